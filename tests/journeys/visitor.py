"""A plain HTTP client that signs in as a person would: cookies, redirects and forms, no script, no Sec-Fetch-*."""

import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPMessage
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

MAX_REDIRECTS = 12
_REDIRECTS = range(300, 400)


@dataclass
class Form:
    """A form of a page: where it goes, what it sends by itself, and everything that can be typed or pressed."""

    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Markup(HTMLParser):
    """The forms, links and heading of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "form":
            self.forms.append(Form(action=found.get("action", ""), method=found.get("method", "get").lower()))
        if tag in {"input", "button"} and self.forms and "name" in found:
            self.forms[-1].names.add(found["name"])
            if found.get("type") == "hidden":
                self.forms[-1].hidden[found["name"]] = found.get("value", "")


class WsgiAdapter(BaseAdapter):
    """Hands a request to a WSGI application in this process; no socket is opened."""

    def __init__(self, application) -> None:
        super().__init__()
        self.application = application

    def send(self, request, **_options):
        parts = urlsplit(request.url)
        environ = EnvironBuilder(
            path=parts.path,
            query_string=parts.query,
            base_url=f"{parts.scheme}://{parts.netloc}",
            method=request.method,
            headers=list(request.headers.items()),
            input_stream=io.BytesIO(_octets(request.body)),
            content_length=len(_octets(request.body)),
        ).get_environ()
        body, status, headers = run_wsgi_app(self.application, environ, buffered=True)
        message = HTTPMessage()
        for name, value in headers:
            message.add_header(name, value)
        raw = HTTPResponse(
            body=io.BytesIO(b"".join(body)),
            headers=headers.to_wsgi_list(),
            status=int(status.split()[0]),
            preload_content=False,
            # requests reads cookies from what http.client would have left here
            original_response=SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None),
        )
        adapter = requests.adapters.HTTPAdapter()
        return adapter.build_response(request, raw)

    def close(self) -> None:
        pass


def _octets(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


class Visitor:
    """One person's browser without script. Cookies ignore ports, as in life."""

    def __init__(self, *applications: tuple[str, object]) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Accept": "text/html", "User-Agent": "visitor"})
        for origin, application in applications:
            self.session.mount(f"{origin}/", WsgiAdapter(application))

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value for cookie in self.session.cookies}

    def transactions(self) -> list[str]:
        """The names of the cookies of sign-ins under way."""
        return [name for name in self.cookies if "signon-tx-" in name]

    def sessions(self) -> list[str]:
        """The names of session cookies of Signon."""
        return [name for name in self.cookies if "signon" in name and "-tx-" not in name and "idp" not in name]

    def get(self, url: str, *, stop_at: str | None = None, **headers: str) -> requests.Response:
        """Go to an address and follow redirects, up to the one that leads to an address with `stop_at` in it."""
        return self._follow(self._once("GET", url, headers=headers), stop_at)

    def post(self, url: str, data: dict[str, str], *, stop_at: str | None = None, **headers: str):
        return self._follow(self._once("POST", url, data=data, headers=headers), stop_at)

    def submit(self, page: requests.Response, *, stop_at: str | None = None, **fields: str):
        """Send the form of a page that has all of these fields, with the Origin that a browser would send."""
        form = next(form for form in Markup(page.text).forms if form.names >= fields.keys())
        parts = urlsplit(page.url)
        target = urljoin(page.url, form.action)
        if form.method == "get":
            return self.get(target, stop_at=stop_at)
        origin = f"{parts.scheme}://{parts.netloc}"
        return self.post(target, {**form.hidden, **fields}, stop_at=stop_at, Origin=origin)

    def _once(self, method: str, url: str, **options):
        return self.session.request(method, url, allow_redirects=False, timeout=30, **options)

    def _follow(self, response: requests.Response, stop_at: str | None) -> requests.Response:
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                return response
            target = urljoin(response.url, response.headers["Location"])
            if stop_at is not None and stop_at in target:
                return response
            response = self._once("GET", target)
        raise AssertionError(f"more than {MAX_REDIRECTS} redirects, the last to {response.url}")


def sign_in(visitor: Visitor, url: str, *, persona: str = "somying", stop_at: str | None = None):
    """Go to a page that needs a sign-in, choose a persona at the practice provider, and come back.

    With `stop_at` ends at the redirect that leads there: its Location is the provider's answer.
    """
    page = visitor.get(url, stop_at=stop_at)
    if 'name="persona"' in page.text:
        page = visitor.submit(page, stop_at=stop_at, persona=persona)
    while 'id="answer"' in page.text:  # form_post: the provider's page, then our own that posts again
        page = visitor.submit(page, stop_at=stop_at)
    return page
