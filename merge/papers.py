"""Where the built-in merge methods are described."""

from datacards.merged import Method

_ARXIV = "https://arxiv.org/abs/"
_KNOWN = (
    Method(name="linear", title="Model soups", link=f"{_ARXIV}2203.05482"),
    Method(name="task_arithmetic", title="Editing models with task arithmetic", link=f"{_ARXIV}2212.04089"),
    Method(
        name="slerp",
        title="Animating rotation with quaternion curves (spherical interpolation)",
        link="https://doi.org/10.1145/325165.325242",
    ),
    Method(
        name="nuslerp",
        title="Animating rotation with quaternion curves (spherical interpolation), of the task vectors",
        link="https://doi.org/10.1145/325165.325242",
    ),
    Method(name="ties", title="TIES-Merging", link=f"{_ARXIV}2306.01708"),
    Method(name="dare_linear", title="DARE: language models are Super Mario", link=f"{_ARXIV}2311.03099"),
    Method(name="dare_ties", title="DARE: language models are Super Mario", link=f"{_ARXIV}2311.03099"),
    Method(name="della", title="DELLA-Merging", link=f"{_ARXIV}2406.11617"),
    Method(name="breadcrumbs", title="Model breadcrumbs", link=f"{_ARXIV}2312.06795"),
    Method(name="model_stock", title="Model stock", link=f"{_ARXIV}2403.19522"),
    Method(name="sce", title="FuseChat: select, calculate, erase", link=f"{_ARXIV}2408.07990"),
    Method(name="tsv", title="Task singular vectors", link=f"{_ARXIV}2412.00081"),
    Method(name="iso_c", title="Isotropic model merging", link=f"{_ARXIV}2502.04959"),
    Method(name="wudi", title="WUDI-Merging", link=f"{_ARXIV}2503.08099"),
)
PAPERS = {method.name: method for method in _KNOWN}
