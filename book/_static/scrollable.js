// A formula wider than a phone scrolls inside its own box; let the keyboard reach that box.
(() => {
  const mark = () => {
    for (const box of document.querySelectorAll('mjx-container[display="true"]')) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  };
  window.addEventListener("load", () => {
    const typeset = window.MathJax?.startup?.promise;
    if (typeset) typeset.then(mark);
  });
  window.addEventListener("resize", mark);
})();
