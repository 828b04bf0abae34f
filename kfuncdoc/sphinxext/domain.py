# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The domain: what each document took from the declarations.

Sphinx keeps the data of a domain with the environment, purges and merges it document by document, and
drops it when ``data_version`` changes.
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
#: What is stored of a request to which there was no answer.
_NOTHING = digest("")


class KfuncDomain(Domain):
    """What documents took from the declarations.

    * ``requests``: ``{docname: {(kind, arguments): digest of the answer}}``;
    * ``labels``: the addresses of kfuncs to which the answers of a document refer, ``{docname: labels}``;
    * ``mentions``: the functions that the text of a document names, ``{docname: names}``;
    * ``addresses``: the address of each kfunc that a page shows, ``{name: address}``;
    * ``links``: those of them whose name in running text is a link.
    """

    name = "kfunc"
    label = "kfunc"
    initial_data: ClassVar[dict[str, Any]] = {
        "requests": {}, "labels": {}, "mentions": {}, "addresses": {}, "links": {},
    }  # fmt: skip
    data_version = 6  # to be raised with every change to what a request or an answer is

    #: The options and the session of this build; they are no part of the environment and never pickled.
    options: Options
    _session: Optional[Session] = None
    #: Whether some document was read or removed in this build.
    _touched = False
    #: The documents that the builder set out to write in this build, once it has.
    written: Optional[set[str]] = None
    #: The texts of the files for machines that are to be written when this build has succeeded, by name.
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
        """The session of this build, begun when it is first needed."""
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
        """Work out the links anew: kfuncs with a page, but not those that are documented as C functions.

        To be called when all documents are read.  Where the declarations were not asked for they are
        as they were, and where no document was read or removed so are the C functions.
        """
        if not (self.session.loaded or self._touched):
            return
        if self.session.loaded:
            self.data["addresses"] = self.session.addresses
        addresses: dict[str, str] = self.data["addresses"] if self.options.links else {}
        documented = {name for name, *_ in self.env.get_domain("c").get_objects()}
        self.data["links"] = {name: address for name, address in addresses.items() if name not in documented}

    def shows(self, docname: str) -> bool:
        """Whether something of the declarations is on the page of a document."""
        answers = self.requests.get(docname, {}).values()
        return any(answer != _NOTHING for answer in answers) or bool(self.links_of(docname))

    def state_of(self, docname: str) -> str:
        """Return a digest of everything that *docname* has taken, and of where its links lead.

        The files for machines are in it, as every page that shows something names them.
        """
        links = self.links_of(docname)
        labels = self.env.get_domain("std").data["anonlabels"]
        targets = {label: labels.get(label) for label in (*self.labels.get(docname, ()), *links.values())}
        return _digest_of(self.requests.get(docname, {}), links, targets, {"published": self.session.site.published})

    @property
    def taken(self) -> dict[str, str]:
        """The digest of everything that a document has taken, for each that shows some of it."""
        docnames = self.requests.keys() | self.mentions.keys()
        return {docname: self.state_of(docname) for docname in sorted(docnames) if self.shows(docname)}

    def state(self) -> str:
        """Return a digest of everything that any document has taken, or could."""
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
        """Link to the label *target* of a page; other than ``:ref:``, with the text as it was made."""
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
