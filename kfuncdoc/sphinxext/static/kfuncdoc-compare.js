/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "From one release to another": readers pick two kernels, and see what kfuncdoc diff would tell them.
 *
 * What is told was worked out when the site was built (kfuncdoc/comparison.py): each rectangle of the data holds for
 * some pairs of releases, and here is only picked and shown.  The words are those of kfuncdoc/difference.py.
 */
"use strict";

/*
 * Put the two lists of releases, and what happened between those that are picked, into `container`, instead of what it
 * says without scripts.  `data` is what comparison.as_json() wrote, `address` the page's own: window.location.
 */
function kfuncdocCompare(container, data, address) {
  const newest = data.releases.length - 1;

  /* Nodes are made of words, never of markup: nothing in the data can become a tag. */
  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function joined(lists, separator) {
    return lists.flatMap((nodes, index) => (index ? [separator, ...nodes] : nodes));
  }

  function released(position) {
    return data.releases[position][0];
  }

  /* -- what happened */

  /* A Map of what was told to nested Maps: by change, by subsystem, by what is told, to the kfuncs in question. */
  function difference(first, last) {
    const found = new Map();
    for (const [first1, first2, last1, last2, change, subsystem, kfunc, sentence] of data.rectangles) {
      if (first1 <= first && first <= first2 && last1 <= last && last <= last2) {
        const alike = entered(entered(found, change), subsystem);
        alike.set(sentence, [...(alike.get(sentence) || []), kfunc]);
      }
    }
    return found;
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

  function summary(found, first, last) {
    const counts = [...found].map(([change, those]) => `${count(those)} ${data.changes[change][1].toLowerCase()}`);
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
    const details = [
      ...(deprecated ? ["itself deprecated"] : []),
      ...known.filter(([, there]) => there === false).map(([release]) => `not in ${released(release)}`),
      ...known.filter(([, there]) => there === null).map(([release]) => `not known for ${released(release)}`),
      ...(inFirst && inLast ? ["in both"] : []),
    ];
    return [link(kfunc), `${rest}, ${details.join(", ")}`];
  }

  function sentence(number, change, first, last) {
    const [told, replacements, noReplacement] = data.sentences[number];
    const happened = told.map((text) => data.texts[text]).join(data.changes[change][2]);
    if (replacements.length) {
      const those = joined(replacements.map((each) => instead(each, first, last)), ", or ");
      return [`${happened}; instead: `, ...those];
    }
    return [noReplacement ? `${happened}; nothing replaces it: ${noReplacement}` : happened];
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
      return [element("details", {}, element("summary", {}, `${heading} (${count(bySubsystem)})`), ...told)];
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
    const wanted = new URLSearchParams(address.search).get(name);
    return data.releases.findIndex(([release]) => release === wanted);
  }

  function ltsBefore(position) {
    const before = data.releases.slice(0, position).map(([, lts]) => lts).lastIndexOf(true);
    return before >= 0 ? before : Math.max(position - 1, 0);
  }

  function keepInAddress() {
    const query = new URLSearchParams(address.search);
    query.set("from", released(from.value));
    query.set("to", released(to.value));
    try {
      history.replaceState(history.state, "", `?${query}${address.hash}`);
    } catch (error) {
      /* A page that is opened as a file has an address that cannot be changed; all else works there, too. */
    }
  }

  function pickedAnother() {
    keepInAddress();
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
    const found = difference(first, last);
    status.textContent = summary(found, first, last);
    results.replaceChildren(...[...found].flatMap(([change, those]) => group(change, those, first, last)));
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
