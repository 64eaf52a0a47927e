"""Scrapy's settings for this project: polite by default, evidence kept, no key in any log."""

from pathlib import Path

from spiders import preferences

BOT_NAME = "kanagura"
SPIDER_MODULES = [
    f"spiders.{path.parent.name}.spider" for path in sorted(Path(__file__).parent.glob("*/spider.py"))
]
SPIDER_CONTRACTS = {"spiders.contracts.Probes": 10, "spiders.contracts.NamesDocuments": 10}  # scrapy check
COMMANDS_MODULE = "spiders.commands"  # `scrapy crawl` that ends with an honest exit status

# Where the publishers are. A key's host is also what links to it in pages are mapped to, so that a copy of a
# site on another host can be crawled: scrapy crawl NAME -s KANAGURA_BASE_URLS='{"boj": "http://127.0.0.1:8790"}'
KANAGURA_BASE_URLS = {
    "boj": "https://www.boj.or.jp",
    "boj_archive": "https://www2.boj.or.jp",
    "edinet": "https://api.edinet-fsa.go.jp",
    "edinet_codelist": "https://disclosure2dl.edinet-fsa.go.jp",
    "jpx": "https://www.jpx.co.jp",
    "wikipedia": "https://dumps.wikimedia.org",
}

# Folders of the files that describe the institutions' sites; -s KANAGURA_SITES=spiders/sites,my/sites adds one.
KANAGURA_SITES = [str(Path(__file__).parent / "sites")]

# Who asks. Set the contact to a page or a mail address: site owners can then write instead of blocking.
KANAGURA_CONTACT = ""
USER_AGENT = "kanagura/0.1.0"  # the contact is appended when a spider starts
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = BOT_NAME  # the contact is no name that a robots.txt could call
ROBOTSTXT_PARSER = "spiders.robots.Robots"
KANAGURA_OBEY_SIGNALS = (
    True  # False: what publishers say of AI use is recorded, not obeyed (spiders/preferences.py)
)
KANAGURA_AI_AGENTS = preferences.AI_AGENTS

# First found, first asked: what waits in memory is then what the lists read last have named, not a whole site.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

# One request at a time for a host, a second apart, slower when the host is slow.
CONCURRENT_REQUESTS = 4
CONCURRENT_ITEMS = (
    1  # captures are written one after the other; Scrapy would start 100 tasks for every response
)
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1.0
DOWNLOAD_DELAY_JITTER = 0  # Scrapy's would halve the delay of some requests
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 0.0  # begins with DOWNLOAD_DELAY and only grows from there
AUTOTHROTTLE_MAX_DELAY = 60.0
RETRY_TIMES = 3
RETRY_GIVE_UP_LOG_LEVEL = "INFO"  # the spider itself says what it could not get
KANAGURA_RETRY_WAIT = 5.0  # seconds before the first repetition, doubled each time; Retry-After goes first
KANAGURA_RETRY_MAX_WAIT = 300.0  # a host that asks for more is left alone until the next run
TWISTED_DNS_RESOLVER = "spiders.bounds.PublicResolver"
DOWNLOAD_TIMEOUT = 120  # seconds for a whole response: a server that drips cannot hold us longer
KANAGURA_MAX_BYTES = 64 << 30  # of new bodies in one crawl; then it stops, and the next run goes on
URLLENGTH_LIMIT = 2083
DOWNLOAD_MAXSIZE = 128 << 20  # bytes; a filing has at most 100 MB
DOWNLOAD_WARNSIZE = 0
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
HTTPCACHE_ENABLED = False  # the captures are the cache
METAREFRESH_ENABLED = False  # every hop is a capture of its own

DOWNLOAD_HANDLERS = {
    "http": "spiders.keys.KeyedDownloadHandler",
    "https": "spiders.keys.KeyedDownloadHandler",
}
DOWNLOADER_MIDDLEWARES = {
    # What would cost time and do nothing here: spiders ask only for addresses of their own bases.
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "spiders.bounds.Bounds": 40,
    "spiders.takedowns.Takedowns": 45,
    "spiders.replay.Replay": 50,  # before robots.txt is asked: a capture that is here costs no request
    "spiders.signals.Signals": 110,  # right behind Scrapy's robots.txt middleware (100)
    "spiders.replay.Unchanged": 120,  # behind the signals, which are those of the page, not of a 304
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "spiders.retry.PatientRetry": 550,
    "spiders.keys.Redact": 585,  # right outside of what unpacks responses (590)
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "spiders.coding.WholeBodies": 590,
}
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,  # error pages are evidence
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,  # spiders.bounds tells of what it refuses
    # it warns of every request that is repeated from a callback, which is what get_retry_request is for
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
}
ITEM_PIPELINES = {"spiders.pipelines.CapturePipeline": 300}
EXTENSIONS = {
    "scrapy.extensions.logstats.LogStats": None,
    "spiders.progress.Progress": 100,
    "spiders.pace.Pace": 100,
    "spiders.keys.RedactLogs": 0,
}

LOG_LEVEL = "INFO"
STATS_DUMP = False  # the card tells what a user wants to know
LOG_FORMATTER = "spiders.progress.Formatter"
KANAGURA_PROGRESS_EVERY = 50  # captures between two lines of progress where there is no terminal
