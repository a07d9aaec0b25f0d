"""Which addresses are documentation, in every form in which one may be given."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from ml_intern.configs.settings import Settings
from ml_intern.tools.errors import ToolError
from ml_intern.tools.web.origins import origin_of


@dataclass(frozen=True, slots=True)
class Address:
    """A page of documentation."""

    url: str
    """Without query, fragment, `.md` and a slash at the end."""
    anchor: str = ""
    """The section that the fragment names."""


@dataclass(frozen=True, slots=True)
class Sites:
    """The roots under which documentation stands, without a slash at the end."""

    hub: str
    gradio: str

    @property
    def learn(self) -> str:
        """The courses: they stand beside the libraries."""
        return f"{_origin(self.hub)}/learn" if urlsplit(self.hub).path else self.hub

    @property
    def roots(self) -> tuple[str, ...]:
        """All of them."""
        return (self.hub, self.learn, self.gradio)

    def address(self, said: str) -> Address:
        """The page that `said` means: an address, a path, or `library/page`.

        Raises:
            ToolError: it is no page of the documentation.
        """
        text = said.strip().strip("<>")
        found = self._resolved(self._absolute(text)) if _plain(text) else None
        if found is None:
            raise ToolError(
                f"{said[:200]!r} is not a page of the documentation: only what stands under "
                f"{self.hub}, {self.learn} and {self.gradio} is read. Give such an address, or "
                'library/page as in "trl/sft_trainer".'
            )
        return found

    def link(self, href: str, base: str) -> str | None:
        """The page that a link at `base` leads to; None if that is no documentation."""
        try:
            target = urljoin(base, href.strip())
        except ValueError:
            return None
        found = self._resolved(target) if _plain(target) else None
        return found.url if found else None

    def covers(self, url: str) -> bool:
        """Whether an address is one of the documentation."""
        return self._resolved(url) is not None

    def shown(self, url: str) -> str:
        """An address as short as it can be given to `address` again."""
        origin = _origin(self.hub)
        return url.removeprefix(origin) if url.startswith(f"{origin}/") else url

    def depth(self, url: str) -> int:
        """How many parts of a path stand below the root."""
        root = next((root for root in self.roots if _under(url, root)), "")
        return len([part for part in url.removeprefix(root).split("/") if part])

    def library(self, url: str) -> str:
        """The library that a page is about."""
        if _under(url, self.gradio):
            return "gradio"
        root = next((root for root in self.roots if _under(url, root)), "")
        return url.removeprefix(root).strip("/").partition("/")[0]

    def _absolute(self, text: str) -> str:
        if "://" in text or text.startswith("//"):
            return text
        first, _, rest = text.strip("/").partition("/")
        if first.removeprefix("www.") in map(_host, (self.hub, self.gradio)):
            return f"{urlsplit(self.hub).scheme}://{text}"
        if text.startswith("/") or first in ("docs", "learn"):
            return f"{_origin(self.hub)}/{text.lstrip('/')}"
        if first == "gradio":
            whole = not rest or rest.endswith(".txt") or rest.startswith(("docs/", "guides/"))
            return f"{self.gradio}/{rest}" if whole else f"{self.gradio}/docs/{text}"
        return f"{self.learn if is_course(first) else self.hub}/{text}"

    def _resolved(self, url: str) -> Address | None:
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        root = next((root for root in self.roots if _within(url, parts, root)), None)
        if root is None or _climbs(parts.path):
            return None
        path = parts.path.rstrip("/").removesuffix(".md").rstrip("/")
        return Address(f"{_origin(root)}{path}", unquote(parts.fragment))


def sites(settings: Settings) -> Sites:
    """The documentation that the settings name."""
    return Sites(settings.hf_docs_url.rstrip("/"), settings.gradio_docs_url.rstrip("/"))


def is_course(library: str) -> bool:
    """Whether it is one of the courses, which stand at another place."""
    return library.endswith("course") or library == "cookbook"


def _plain(text: str) -> bool:
    return bool(text) and text.isprintable() and not any(mark in text for mark in ' \\"<>')


def _within(url: str, parts: SplitResult, root: str) -> bool:
    at = urlsplit(root).path
    same = _site(url) == _site(root) and "@" not in parts.netloc
    return same and (parts.path == at or parts.path.startswith(f"{at}/"))


def _climbs(path: str) -> bool:
    """Whether it leaves its folder, also in disguise: then the root is none."""
    return not {".", ".."}.isdisjoint(unquote(unquote(path)).replace("\\", "/").split("/"))


def _under(url: str, root: str) -> bool:
    return url == root or url.startswith(f"{root}/")


def _site(url: str) -> str:
    """The origin; with and without `www.` is one site."""
    return origin_of(url).replace("://www.", "://", 1) or url


def _host(url: str) -> str:
    return urlsplit(url).netloc.removeprefix("www.")


def _origin(url: str) -> str:
    """Scheme and host as they are written in one of the settings."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
