# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The domain: the requests that each document made, and its links to kfuncs.

Sphinx keeps the data of a domain in the environment, removes and merges it document by document, and drops it when
``data_version`` changes.
"""

from __future__ import annotations

import hashlib
import re
from typing import AbstractSet, Any, ClassVar, Mapping, Optional

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.builders import Builder
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from kfuncdoc.pages.site_map import Page, SiteMap
from kfuncdoc.record.address import PREFIX
from kfuncdoc.record.declaration_files import SUFFIX
from kfuncdoc.sphinxext.options import Options
from kfuncdoc.sphinxext.session import Request, Session, digest

#: A reference to a kfunc in an answer, see Renderer.link.
_REFERENCE = re.compile(rf"<({re.escape(PREFIX)}[a-z0-9-]+)>`")
#: The digest that is stored for a request without an answer.
_NOTHING = digest("")


class KfuncDomain(Domain):
    """The requests, links and addresses of the documents.

    * ``requests``: ``{docname: {(kind, arguments): digest of the answer}}``;
    * ``labels``: the addresses of kfuncs to which the answers of a document refer, ``{docname: labels}``;
    * ``mentions``: the functions that the text of a document names, ``{docname: names}``;
    * ``addresses``: the address of each kfunc that a page shows, ``{name: address}``;
    * ``links``: the addresses of the kfuncs whose names in running text become links.
    """

    name = "kfunc"
    label = "kfunc"
    initial_data: ClassVar[dict[str, Any]] = {
        "requests": {}, "labels": {}, "mentions": {}, "addresses": {}, "links": {},
    }  # fmt: skip
    data_version = 6  # to be raised with every change to the form of a request or an answer

    #: The options and the session of this build; they are not part of the environment and are never pickled.
    options: Options
    _session: Optional[Session] = None
    #: Whether some document was read or removed in this build.
    _touched = False
    #: The documents that the builder writes in this build; None before it has chosen them.
    written: Optional[set[str]] = None
    #: The texts of the published files, by name; they are written when this build has succeeded.
    to_publish: Optional[dict[str, str]] = None

    @property
    def requests(self) -> dict[str, dict[Request, str]]:
        requests: dict[str, dict[Request, str]] = self.data["requests"]
        return requests

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        labels: dict[str, tuple[str, ...]] = self.data["labels"]
        return labels

    @property
    def mentions(self) -> dict[str, tuple[str, ...]]:
        mentions: dict[str, tuple[str, ...]] = self.data["mentions"]
        return mentions

    @property
    def links(self) -> dict[str, str]:
        links: dict[str, str] = self.data["links"]
        return links

    @property
    def session(self) -> Session:
        """The session of this build; it begins when it is first needed."""
        if self._session is None:
            self._session = self.begin()
        return self._session

    def begin(self) -> Session:
        """Begin a new session over the documents that were found, and return it."""
        self._session = Session(self.options, self._site_map())
        return self._session

    def _site_map(self) -> SiteMap:
        """Return the map of the pages that were found."""
        project: Any = self.env.project
        about_all: Mapping[str, Page] = getattr(project, "about_all", {})
        replaced: AbstractSet[str] = getattr(project, "replaced", frozenset())
        outside: Mapping[str, str] = getattr(project, "declarations", {})
        documents: AbstractSet[str] = self.env.found_docs
        pages = {docname: page for docname, page in about_all.items() if docname in documents}
        declarations = {}
        for docname in sorted(documents - (about_all.keys() - replaced)):
            path = outside.get(docname) or str(self.env.doc2path(docname))
            if path.endswith(SUFFIX):
                declarations[docname] = Page("subsystem", path)
        return SiteMap(
            {**pages, **declarations},
            replaced=tuple(sorted(replaced - declarations.keys())),
            folder=self.options.pages or "",
            suffix=SUFFIX,
            published=self.options.published if declarations else (),
        )

    def ask(self, docname: str, kind: str, *arguments: object) -> str:
        """Return the answer to a request and note that *docname* made it."""
        answer = self.session.answer((kind, arguments))
        self.requests.setdefault(docname, {})[kind, arguments] = digest(answer)
        labels = {answer} if kind == "address" else set(_REFERENCE.findall(answer))
        if labels:
            self.labels[docname] = tuple(sorted(labels.union(self.labels.get(docname, ()))))
        return answer

    def links_of(self, docname: str) -> dict[str, str]:
        """Return the links in the running text of a document."""
        return {name: self.links[name] for name in self.mentions.get(docname, ()) if name in self.links}

    def link(self) -> None:
        """Work out the links again: kfuncs with a page, but not those that are documented as C functions.

        It is called when all documents are read.  If the declarations were not loaded in this build, the addresses are
        unchanged; if no document was read or removed, the C functions are unchanged.
        """
        if not (self.session.loaded or self._touched):
            return
        if self.session.loaded:
            self.data["addresses"] = self.session.addresses
        addresses: dict[str, str] = self.data["addresses"] if self.options.links else {}
        documented = {name for name, *_ in self.env.get_domain("c").get_objects()}
        self.data["links"] = {name: address for name, address in addresses.items() if name not in documented}

    def shows(self, docname: str) -> bool:
        """Whether the page of a document shows something from the declarations."""
        answers = self.requests.get(docname, {}).values()
        return any(answer != _NOTHING for answer in answers) or bool(self.links_of(docname))

    def state_of(self, docname: str) -> str:
        """Return a digest of all answers that *docname* got, and of the targets of its links.

        It includes the names of the published files, because every page that shows something names them.
        """
        links = self.links_of(docname)
        labels = self.env.get_domain("std").data["anonlabels"]
        targets = {label: labels.get(label) for label in (*self.labels.get(docname, ()), *links.values())}
        return _digest_of(self.requests.get(docname, {}), links, targets, {"published": self.session.site.published})

    @property
    def states(self) -> dict[str, str]:
        """The digest of each document that shows something from the declarations, see :meth:`state_of`."""
        docnames = self.requests.keys() | self.mentions.keys()
        return {docname: self.state_of(docname) for docname in sorted(docnames) if self.shows(docname)}

    def state(self) -> str:
        """Return a digest of the requests, mentions and addresses of all documents."""
        requests = {docname: _digest_of(requests) for docname, requests in self.requests.items()}
        return _digest_of(requests, self.mentions, self.data["addresses"])

    # -- called by Sphinx

    def clear_doc(self, docname: str) -> None:
        self._touched = True
        self.requests.pop(docname, None)
        self.labels.pop(docname, None)
        self.mentions.pop(docname, None)

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        for docname in docnames:
            for kind in ("requests", "labels", "mentions"):
                if docname in otherdata[kind]:
                    self.data[kind][docname] = otherdata[kind][docname]

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> Optional[Any]:
        """Link to the label *target* of a page; unlike ``:ref:``, keep the text of the link as it is."""
        docname, address = env.get_domain("std").data["anonlabels"].get(target, ("", ""))
        return make_refnode(builder, fromdocname, docname, address, contnode) if docname else None

    def resolve_any_xref(self, *arguments: Any, **keywords: Any) -> list[Any]:
        return []


def _digest_of(*mappings: Mapping[Any, Any]) -> str:
    content = repr([sorted(mapping.items(), key=repr) for mapping in mappings])
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def domain_of(env: BuildEnvironment) -> KfuncDomain:
    """Return kfuncdoc's domain of an environment."""
    domain = env.get_domain("kfunc")
    assert isinstance(domain, KfuncDomain)
    return domain
