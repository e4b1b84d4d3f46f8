// The focus comes to a panel before anything in it is changed: by then what is there has to be set.
function render() {
  const gone = new AbortController();
  document.addEventListener(
    "focusin",
    ({ target }) => {
      const panel = target.closest(".cc-panel");
      if (!panel) return;
      if (target.matches("select, .cc-log")) target.dataset.lmSuppressShortcuts = "true";
      for (const area of panel.querySelectorAll(".cc-status, .cc-followed, .cc-taken"))
        area.setAttribute("aria-live", "polite");
    },
    { signal: gone.signal },
  );
  return () => gone.abort();
}

export default { render };
