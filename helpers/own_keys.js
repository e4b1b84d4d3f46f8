// A list that is closed loses its keys to JupyterLab, unless it says that it wants them.
function render() {
  const gone = new AbortController();
  document.addEventListener(
    "focusin",
    ({ target }) => {
      if (target.matches(".cc-panel select")) target.dataset.lmSuppressShortcuts = "true";
    },
    { signal: gone.signal },
  );
  return () => gone.abort();
}

export default { render };
