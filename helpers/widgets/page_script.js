// The focus reaches a panel before anything in it changes: by then these attributes have to be set.
function render() {
  const removed = new AbortController();
  document.addEventListener(
    "focusin",
    ({ target }) => {
      const panel = target.closest(".cc-panel");
      if (!panel) return;
      if (target.matches("select, .cc-log")) target.dataset.lmSuppressShortcuts = "true";
      for (const area of panel.querySelectorAll(".cc-status, .cc-taken, .cc-model-status"))
        area.setAttribute("aria-live", "polite");
    },
    { signal: removed.signal },
  );
  return () => removed.abort();
}

export default { render };
