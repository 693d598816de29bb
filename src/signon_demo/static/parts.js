// Pieces of a page, made from text and never from markup: what an API says stays text.

export function piece(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** One line on what came of something: `kind` is good, bad or caution. */
export function verdict(kind, word, text) {
  const line = piece("p", "", { class: "verdict" });
  line.append(piece("span", word, { class: `badge ${kind}` }), piece("span", text));
  return line;
}

/** A table of rows of [name, value, what it means]; the last may be left out of all. Names are code, or words. */
export function table(head, rows, names = "code") {
  const explained = rows.some((row) => row.length > 2);
  const made = piece("table", "", { "aria-label": head });
  const top = made.createTHead().insertRow();
  top.append(piece("th", head, { scope: "col", class: "name" }), piece("th", "Value", { scope: "col", class: "value" }));
  if (explained) top.append(piece("th", "What it means", { scope: "col" }));
  const body = made.createTBody();
  for (const [name, value, means] of rows) {
    const row = body.insertRow();
    const label = piece("th", "", { scope: "row" });
    label.append(piece(names, name));
    row.append(label, piece("td", value));
    if (explained) row.append(piece("td", means ?? "", { class: "meaning" }));
  }
  return made;
}

/** A long secret by its ends. */
export function shortened(text) {
  return `${text.slice(0, 4)}…${text.slice(-4)} (${text.length})`;
}

/** Let each button with `data-try` do its own and show what comes of it in the output of that name. */
export function onTry(attempt) {
  for (const button of document.querySelectorAll("[data-try]")) {
    button.addEventListener("click", () => attempt(button.dataset.try));
  }
}

/** Show pieces in an output, or that nothing came of it. */
export async function shown(output, making) {
  output.replaceChildren(piece("p", "Asking …", { class: "small" }));
  try {
    output.replaceChildren(...(await making()));
  } catch (error) {
    output.replaceChildren(verdict("caution", "No answer", `That did not work: ${error.message}`));
  }
}
