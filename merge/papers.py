"""Where the built-in merge methods are described."""

from datacards.merged import Method

_ARXIV = "https://arxiv.org/abs/"
_ROTATION = "https://doi.org/10.1145/325165.325242"
_KNOWN = (
    Method(name="linear", title="Model Soups", link=f"{_ARXIV}2203.05482"),
    Method(name="task_arithmetic", title="Editing Models with Task Arithmetic", link=f"{_ARXIV}2212.04089"),
    Method(name="slerp", title="Animating Rotation with Quaternion Curves", link=_ROTATION),
    Method(
        name="nuslerp", title="Animating Rotation with Quaternion Curves, of task vectors", link=_ROTATION
    ),
    Method(name="ties", title="TIES-Merging", link=f"{_ARXIV}2306.01708"),
    Method(name="dare_linear", title="Language Models are Super Mario", link=f"{_ARXIV}2311.03099"),
    Method(name="dare_ties", title="Language Models are Super Mario", link=f"{_ARXIV}2311.03099"),
    Method(name="della", title="DELLA-Merging", link=f"{_ARXIV}2406.11617"),
    Method(name="breadcrumbs", title="Model Breadcrumbs", link=f"{_ARXIV}2312.06795"),
    Method(name="model_stock", title="Model Stock", link=f"{_ARXIV}2403.19522"),
    Method(name="sce", title="FuseChat", link=f"{_ARXIV}2408.07990"),
    Method(name="tsv", title="Task Singular Vectors", link=f"{_ARXIV}2412.00081"),
    Method(name="iso_c", title="Isotropic Model Merging", link=f"{_ARXIV}2502.04959"),
    Method(name="iso_cts", title="Isotropic Model Merging", link=f"{_ARXIV}2502.04959"),
    Method(name="wudi", title="WUDI-Merging", link=f"{_ARXIV}2503.08099"),
)
PAPERS = {method.name: method for method in _KNOWN}
