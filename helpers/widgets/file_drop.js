// A place for a file, which can be chosen, dropped or pasted. The file goes to the kernel in
// pieces, as messages: unlike the state of a widget, nothing keeps them, and no notebook holds them.
const PIECE = 1 << 20; // bytes; the server takes ten times as much, and others take less

function made(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function render({ model, el }) {
  const { label, hint, kinds, max_bytes } = model.get("settings");
  const gone = new AbortController();
  const chooser = made("input", { type: "file", accept: kinds, hidden: true });
  const button = made("button", {
    type: "button",
    className: "jupyter-widgets jupyter-button cc-choose",
    textContent: label,
  });
  el.append(button, chooser, made("span", { className: "cc-hint", textContent: hint }));
  el.tabIndex = 0; // so that a click makes it the place into which to paste
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `${label}, ${hint}`);

  let latest = 0;
  async function send(file) {
    if (!file) return model.send({ name: "" });
    const turn = (latest = Math.random());
    const about = { id: turn, name: file.name || "(no name)", size: file.size };
    try {
      let at = 0;
      do {
        const piece = await file.slice(at, at + PIECE).arrayBuffer();
        if (turn !== latest) return;
        model.send({ ...about, at }, undefined, [piece]);
        at += PIECE;
      } while (at < file.size && file.size <= max_bytes);
    } catch {
      model.send({ ...about, lost: true });
    }
  }

  // The whole panel takes what is dropped or pasted: it is the larger target.
  const ours = (target) => target instanceof Node && (el.closest(".cc-panel") ?? el).contains(target);
  function on(target, kind, action) {
    target.addEventListener(kind, action, { signal: gone.signal });
  }
  on(button, "click", () => {
    chooser.value = ""; // so that the same file can be chosen again
    chooser.click();
  });
  on(chooser, "change", () => send(chooser.files[0]));
  on(document, "dragover", (event) => {
    const over = ours(event.target) && event.dataTransfer.types.includes("Files");
    el.classList.toggle("cc-over", over);
    if (over) event.preventDefault();
  });
  on(document, "dragleave", (event) => {
    if (!ours(event.relatedTarget)) el.classList.remove("cc-over");
  });
  on(document, "drop", (event) => {
    el.classList.remove("cc-over");
    if (!ours(event.target) || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    send(event.dataTransfer.files[0]);
  });
  on(document, "paste", (event) => {
    if (!ours(event.target)) return;
    const file = event.clipboardData.files[0];
    if (!file && !el.contains(event.target)) return; // text, for a field of the panel
    event.preventDefault();
    send(file);
  });
  return () => gone.abort();
}

export default { render };
