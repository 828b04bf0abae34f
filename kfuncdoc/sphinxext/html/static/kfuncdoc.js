/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the pages of kfuncdoc can do besides being read.  Everything is on them without this script, too: it filters
 * and sorts the tables of kfuncs, compares any two releases, and says so when time has passed over a page.  What it
 * needs to know is in the page; it asks no server for anything.
 */
"use strict";

(() => {
  /* ---- the address: what is chosen can be linked to, and is there again after a reload */

  /* Return what the address says under the names that begin with `prefix`, without that. */
  const chosenIn = (prefix) => {
    const chosen = {};
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (name.startsWith(prefix)) chosen[name.slice(prefix.length)] = value;
    }
    return chosen;
  };

  /* Put `chosen` into the address, empty values left out; no page is loaded and no step added to the history. */
  const putIntoAddress = (prefix, chosen) => {
    const parameters = new URLSearchParams(location.search);
    /* An address that says nothing of ours is left as it is, however it is written. */
    if (!Object.entries(chosen).some(([name, value]) => value || parameters.has(prefix + name))) return;
    for (const [name, value] of Object.entries(chosen)) {
      if (value) parameters.set(prefix + name, value);
      else parameters.delete(prefix + name);
    }
    const query = parameters.toString();
    try {
      history.replaceState(history.state, "", location.pathname + (query && `?${query}`) + location.hash);
    } catch {
      /* A page that is opened from a disk may not change its address. */
    }
  };

  /* Return an element; nodes are made of words, never of markup: nothing in any data can become a tag. */
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  /* ---- tables of kfuncs */

  const PREFIX = "BPF_PROG_TYPE_";
  const ANY = `${PREFIX}UNSPEC`;
  const STRUCT_OPS = `${PREFIX}STRUCT_OPS`;

  /* Whether programs of `type`, a program type or one of struct_ops, are among the `callers` of a kfunc. */
  const mayCall = (callers, type) => {
    if (callers.includes(ANY) || callers.includes(type)) return true;
    const restricted = callers.some((caller) => !caller.startsWith(PREFIX));
    return !type.startsWith(PREFIX) && callers.includes(STRUCT_OPS) && !restricted;
  };

  /* Return the test that a row with its facts passes: one for each field of the form. */
  const tests = {
    name: (facts, words) => {
      const names = [facts.name, ...facts.former].map((name) => name.toLowerCase());
      return words.toLowerCase().split(/\s+/).every((word) => names.some((name) => name.includes(word)));
    },
    subsystem: (facts, subsystem) => facts.subsystem === subsystem,
    stability: (facts, stability) =>
      facts.stability === stability || (stability === "deprecated" && facts.stability === "past due"),
    /* Who may call a kfunc changes from release to release: without one, that of today counts. */
    type: (facts, type, release, releases) => {
      const stretch = release ? stretchWith(facts, release, releases) : facts.stretches[facts.stretches.length - 1];
      return Boolean(stretch) && mayCall(stretch[2], type);
    },
    release: (facts, release, _, releases) => Boolean(stretchWith(facts, release, releases)),
  };

  /* Return the stretch of releases, with the same callers, in which a release is; none where it lacks the kfunc. */
  const stretchWith = (facts, release, releases) => {
    const number = releases.indexOf(release);
    return facts.stretches.find(([first, last]) => first <= number && number <= last);
  };

  /* Return the facts of each row as an object: see kfuncdoc/pages/script_facts.py for their form. */
  const factsOf = (table) =>
    table.rows.map(
      (row) =>
        row && {
          name: row[0],
          subsystem: table.subsystems[row[1]],
          stability: row[2],
          stretches: row[3].map(([first, last, callers]) => [first, last, table.callers[callers]]),
          former: row[4],
        },
    );

  /* Return what the cells of a column are sorted by: releases and numbers by their value, all else as text. */
  const sortKey = (cell) => {
    const text = cell ? cell.textContent.trim() : "";
    const release = /^v(\d+)\.(\d+)\b/.exec(text);
    if (release) return [1, Number(release[1]) * 1000 + Number(release[2]), text];
    const number = /^\d+/.exec(text);
    if (number) return [1, Number(number[0]), text];
    /* Remaining lifespans: none is left, and nobody knows how much. */
    if (text.startsWith("over: ")) return [1, 0, text];
    if (text === "not decided") return [3, 0, text];
    /* An empty cell comes last, whichever way the column is sorted. */
    return text ? [2, 0, text.replace(/^_+/, "")] : null;
  };

  const inOrder = (one, other) =>
    one[0] - other[0] || one[1] - other[1] || one[2].localeCompare(other[2], "en", { numeric: true });

  /* Sort `rows` by the cells of `column`; rows that are alike stay as they are listed. */
  const sorted = (rows, column, descending) => {
    const keyed = rows.map((row) => [row, sortKey(row.cells[column])]);
    keyed.sort(([, one], [, other]) => {
      if (!one || !other) return (one ? 0 : 1) - (other ? 0 : 1);
      return descending ? inOrder(other, one) : inOrder(one, other);
    });
    return keyed.map(([row]) => row);
  };

  class Table {
    constructor(form, table, prefix) {
      this.form = form;
      this.prefix = prefix;
      this.body = table.tBodies[0];
      this.listed = [...this.body.rows];
      this.heads = [...table.tHead.rows[0].cells];
      this.titles = this.heads.map((head) => head.textContent.trim());
      const data = JSON.parse(form.querySelector("script").textContent);
      this.releases = data.releases;
      this.facts = factsOf(data);
      this.fields = [...form.elements].filter((field) => field.name && field.name !== "sort");
      this.count = form.querySelector(".kfunc-count");
      this.startSortButtons();
      this.take(chosenIn(prefix));
      form.addEventListener("input", (event) => {
        if (event.target.name === "sort") this.sortBy(event.target.value, false);
        else this.show();
      });
      form.addEventListener("submit", (event) => event.preventDefault());
      form.addEventListener("reset", (event) => {
        event.preventDefault();
        this.take({});
        this.form.elements.name.focus();
      });
    }

    /* Set the fields to what is `chosen`; what a field does not offer is left alone. */
    take(chosen) {
      for (const field of this.fields) {
        field.value = chosen[field.name] || "";
        if (field.value !== (chosen[field.name] || "")) field.value = "";
      }
      const sort = chosen.sort || "";
      const title = sort.replace(/^-/, "");
      this.sortBy(this.titles.includes(title) ? title : "", sort.startsWith("-"));
    }

    /* The head of each column is a button that sorts by it: up, down, as listed. */
    startSortButtons() {
      this.heads.forEach((head, column) => {
        const button = head.querySelector("button.kfunc-sort");
        button.disabled = false;
        button.addEventListener("click", () => this.sortNext(this.titles[column]));
      });
    }

    sortNext(title) {
      if (this.sort !== title) this.sortBy(title, false);
      else this.sortBy(this.descending ? "" : title, !this.descending);
    }

    /* Sort by the column of a `title`; without one, rows are as listed. */
    sortBy(title, descending) {
      this.sort = title;
      this.descending = Boolean(title) && descending;
      /* A table of one column has no such field. */
      if (this.form.elements.sort) this.form.elements.sort.value = title;
      this.show();
    }

    /* Show the rows that pass, in the order asked for, and say how many they are. */
    show() {
      const filters = Object.fromEntries(this.fields.map((field) => [field.name, field.value.trim()]));
      const asked = Object.entries(filters).filter(([, value]) => value);
      let shown = 0;
      this.listed.forEach((row, number) => {
        const facts = this.facts[number];
        const passes = asked.every(([name, value]) => facts && tests[name](facts, value, filters.release, this.releases));
        row.hidden = !passes;
        shown += passes;
      });
      this.order();
      const all = this.listed.length;
      this.count.textContent = asked.length ? `${shown} of ${all} kfuncs` : `${all} kfunc${all === 1 ? "" : "s"}`;
      putIntoAddress(this.prefix, { ...filters, sort: this.sort && (this.descending ? "-" : "") + this.sort });
    }

    order() {
      const column = this.titles.indexOf(this.sort);
      if (this.sort !== this.sortedBy || this.descending !== this.sortedDown) {
        this.body.append(...(column < 0 ? this.listed : sorted(this.listed, column, this.descending)));
        this.sortedBy = this.sort;
        this.sortedDown = this.descending;
      }
      this.heads.forEach((head, number) => {
        if (number === column) head.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
    }
  }

  /* ---- time: a page says so when it has grown old */

  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

  /* Return what to tell of `facts`, see kfuncdoc/pages/script_facts.py, on `today`: sentences; none while nothing has changed. */
  const told = (facts, today) => {
    const out = facts.next.filter(([, , by]) => by <= today);
    if (!out.length) return [];
    const names = out.map(([name]) => name);
    const [last, , by] = out[out.length - 1];
    const several = out.length > 1 ? `${out.length} releases, the last of them ${last},` : last;
    const sentences = [
      `This page speaks of Linux ${facts.release}. By now ${several} should be out, expected by ${day.format(new Date(by))}: ` +
        `what became of kfuncs since is not on this page, and remaining lifespans are shorter.`,
    ];
    for (const [name, address, kind, end] of facts.ends) {
      if (names.includes(end)) {
        const link = element("a", { href: document.getElementById(address) ? `#${address}` : linkTo(address) }, name);
        sentences.push(element("span", {}, link, ` was to ${kind === "change" ? "change" : "go"} in ${end}.`));
      }
    }
    return sentences;
  };

  /* Return where the page links to for the kfunc at `address`. */
  const linkTo = (address) => {
    const links = [...document.querySelectorAll("a[href]")];
    const link = links.find((other) => other.hash === `#${address}`);
    return link ? link.href : `#${address}`;
  };

  const tellAge = () => {
    const today = new Date().toISOString().slice(0, 10);
    const scripts = [...document.querySelectorAll("script.kfunc-time")];
    const all = scripts.map((script) => told(JSON.parse(script.textContent), today)).filter((sentences) => sentences.length);
    if (!all.length) return;
    /* Several documents on one page say the same of a release, and of a kfunc that more than one of them shows. */
    const [first] = all[0];
    const seen = new Map();
    all.flatMap((sentences) => sentences.slice(1)).forEach((sentence) => seen.set(sentence.textContent, sentence));
    const rest = [...seen.values()];
    const close = element("button", { type: "button" }, "Close");
    const paragraphs = [first, ...rest].map((sentence) => element("p", {}, sentence));
    const attributes = { class: "kfunc-aged", "aria-label": "The age of this page" };
    const note = element("aside", attributes, ...paragraphs, close);
    close.addEventListener("click", () => note.remove());
    document.body.prepend(note);
  };

  /* ---- from one release to another: readers pick two kernels, and see what kfuncdoc diff would tell them */

  /*
   * Put the two lists of releases, and what happened between those that are picked, into `container`, instead of what
   * it says without scripts.  `data` was worked out when the site was built (kfuncdoc/views/any_two.py): each rectangle of
   * it holds for some pairs of releases, and here is only picked and shown.  The words are those of
   * kfuncdoc/views/difference.py and kfuncdoc/views/replacement.py.
   */
  function compareReleases(container, data) {
    const newest = data.releases.length - 1;

    function joined(lists, separator) {
      return lists.flatMap((nodes, index) => (index ? [separator, ...nodes] : nodes));
    }

    function released(position) {
      return data.releases[position][0];
    }

    /* -- what happened */

    /* A Map of what was told to nested Maps: by change, by subsystem, by what is told, to the kfuncs in question. */
    function difference(first, last) {
      const changes = new Map();
      for (const [first1, first2, last1, last2, change, subsystem, kfunc, sentence] of data.rectangles) {
        if (first1 <= first && first <= first2 && last1 <= last && last <= last2) {
          const alike = entered(entered(changes, change), subsystem);
          alike.set(sentence, [...(alike.get(sentence) || []), kfunc]);
        }
      }
      return changes;
    }

    function entered(map, key) {
      if (!map.has(key)) {
        map.set(key, new Map());
      }
      return map.get(key);
    }

    function count(bySubsystem) {
      return [...bySubsystem.values()].flatMap((alike) => [...alike.values()].flat()).length;
    }

    function summary(changes, first, last) {
      const counts = [...changes].map(([change, those]) => `${count(those)} ${data.changes[change][1].toLowerCase()}`);
      const behind = data.behind
        .filter(([, known]) => known < last)
        .map(([name, known]) => ` The record of ${name} goes no further than ${released(known)}.`);
      const happened = counts.join(", ") || "nothing happened";
      return `From ${released(first)} to ${released(last)}: ${happened}.${behind.join("")}`;
    }

    /* -- in words and links */

    function link(kfunc) {
      const [name, url] = data.kfuncs[kfunc];
      return url ? element("a", { class: "reference internal", href: url }, name) : element("code", {}, name);
    }

    function instead([kfunc, rest, inFirst, inLast, deprecated], first, last) {
      if (kfunc === null) {
        return [rest];
      }
      const known = [[first, inFirst], [last, inLast]];
      const told = (phrase, present) => known
        .filter(([, inRelease]) => inRelease === present)
        .map(([release]) => data.phrases[phrase].replace("{}", released(release)));
      const details = [
        ...(deprecated ? [data.phrases.deprecated] : []),
        ...told("absent", false),
        ...told("unknown", null),
        ...(inFirst && inLast ? [data.phrases.both] : []),
      ];
      return [link(kfunc), `${rest}, ${details.join(", ")}`];
    }

    function sentence(number, change, first, last) {
      const [told, replacements, noReplacement] = data.sentences[number];
      const happened = told.map((text) => data.texts[text]).join(data.changes[change][2]);
      if (replacements.length) {
        const those = joined(replacements.map((replacement) => instead(replacement, first, last)), data.phrases.or);
        return [happened + data.phrases.instead, ...those];
      }
      return [noReplacement ? happened + data.phrases.nothing + noReplacement : happened];
    }

    function group(change, bySubsystem, first, last) {
      const [key, heading] = data.changes[change];
      const told = [...bySubsystem].flatMap(([subsystem, alike]) => [
        element("h3", {}, data.subsystems[subsystem]),
        element("ul", {}, ...[...alike].map(([number, kfuncs]) => element(
          "li", {},
          ...joined(kfuncs.map((kfunc) => [link(kfunc)]), ", "), ": ", ...sentence(number, change, first, last),
        ))),
      ]);
      if (key === "quiet") {
        return [element("details", {}, element("summary", {}, element("h2", {}, `${heading} (${count(bySubsystem)})`)), ...told)];
      }
      return [element("h2", {}, heading), ...told];
    }

    /* -- what is picked */

    function choice(picked) {
      const options = data.releases.map(([name, lts], position) => (
        element("option", { value: position }, lts ? `${name} (LTS)` : name)
      ));
      /* A browser that fills in what was picked before a reload would not tell the script of it. */
      const select = element("select", { autocomplete: "off" }, ...options.reverse());
      select.value = picked;
      select.addEventListener("change", pickedAnother);
      return select;
    }

    function inAddress(name) {
      const wanted = chosenIn("")[name];
      return data.releases.findIndex(([release]) => release === wanted);
    }

    function ltsBefore(position) {
      const before = data.releases.slice(0, position).map(([, lts]) => lts).lastIndexOf(true);
      return before >= 0 ? before : Math.max(position - 1, 0);
    }

    function pickedAnother() {
      putIntoAddress("", { from: released(from.value), to: released(to.value) });
      show();
    }

    function swap() {
      [from.value, to.value] = [to.value, from.value];
      pickedAnother();
      from.focus(); /* for the button is gone */
    }

    function show() {
      const first = Number(from.value);
      const last = Number(to.value);
      if (first > last) {
        status.textContent = `${released(first)} comes after ${released(last)}.`;
        const button = element("button", { type: "button" }, `From ${released(last)} to ${released(first)} instead`);
        button.addEventListener("click", swap);
        results.replaceChildren(button);
        return;
      }
      const changes = difference(first, last);
      status.textContent = summary(changes, first, last);
      results.replaceChildren(...[...changes].flatMap(([change, those]) => group(change, those, first, last)));
    }

    const askedTo = inAddress("to");
    const askedFrom = inAddress("from");
    const to = choice(askedTo >= 0 ? askedTo : newest);
    const from = choice(askedFrom >= 0 ? askedFrom : ltsBefore(Number(to.value)));
    const status = element("p", { role: "status" });
    const results = element("div", {});
    container.replaceChildren(
      element("p", { class: "kfunc-compare-choice" },
        element("label", {}, "From ", from), " ", element("label", {}, "to ", to)),
      status,
      results,
    );
    show();
  }

  const start = () => {
    document.querySelectorAll("div.kfunc-compare").forEach((container) => {
      const data = container.querySelector("script");
      if (data) compareReleases(container, JSON.parse(data.textContent));
    });
    tellAge();
    document.querySelectorAll("form.kfunc-filter").forEach((form, number) => {
      const next = form.nextElementSibling;
      const table = next.matches("table") ? next : next.querySelector("table.kfunc-table");
      /* The second table of a page has names of its own in the address. */
      new Table(form, table, number ? `${number + 1}.` : "");
    });
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
