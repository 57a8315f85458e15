/* What unfold's pages lack for people without a mouse and for those who hear them: elements that only a click operates become buttons,
   which Tab reaches and Enter and Space press; icons, which are words of a font, are not read out; the regions of the page have names.

   Alpine hands over each element that it sets up, also those that come later, so there is no list of pages or places. */
"use strict";

(() => {
  // Controls that show an icon alone.
  const NAMES = {
    add: "Add",
    arrow_back: "Back",
    close: "Close",
    delete: "Remove",
    dock_to_right: "Navigation",
    download: "Download",
    expand_more: "Details",
    file_upload: "Choose a file",
    more_horiz: "More actions",
    more_vert: "More",
    open_in_new: "Open",
    search: "Search",
    visibility: "Show",
    visibility_off: "Hide",
    voicemail: "First page",
  };
  // What a control opens, where the panel does not say so itself.
  const PANELS = { sidebarMobileOpen: "#nav-sidebar" };
  const OPERABLE = "a[href], button, input, select, textarea, label, summary";
  const HEADINGS = "h1, h2, h3, h4";
  const TOGGLES = /^(\w+) = (?:!\1|true)/;
  let opened = null;

  const words = (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll(".material-symbols-outlined").forEach((icon) => icon.remove());
    return copy.textContent.trim();
  };
  const icon = (element) => {
    const found = element.matches(".material-symbols-outlined") ? element : element.querySelector(".material-symbols-outlined");
    return found ? found.textContent.trim() : "";
  };
  const panelOf = (name) => document.querySelector(PANELS[name] || `[x-show="${name}"]`);

  function name(element) {
    const isIcon = element.matches(".material-symbols-outlined");
    if (element.hasAttribute("aria-label") || (!isIcon && words(element))) return;
    const label = element.title.trim() || NAMES[icon(element)];
    if (label) element.setAttribute("aria-label", label);
  }

  function focusInto(panel) {
    const first = panel && panel.querySelector('a[href], button, input:not([type="hidden"]), select, [role="button"]');
    if (first) first.focus();
  }

  // A heading stays one: what stands in it becomes the button, whose clicks it gets.
  function buttonIn(heading) {
    const button = document.createElement("span");
    button.className = "flex flex-row grow items-center";
    button.append(...heading.childNodes);
    heading.append(button);
    return button;
  }

  function operate(clicked) {
    const toggle = (clicked.getAttribute("x-on:click").match(TOGGLES) || [])[1];
    const element = clicked.matches(HEADINGS) ? buttonIn(clicked) : clicked;
    element.setAttribute("role", "button");
    element.tabIndex = 0;
    if (toggle) {
      Alpine.nextTick(() =>
        Alpine.effect(() => element.setAttribute("aria-expanded", String(Boolean(Alpine.evaluate(element, toggle)))))
      );
    }
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      element.click();
      if (!toggle || !Alpine.evaluate(element, toggle)) return;
      opened = { element, toggle };
      // The panel is drawn, and can be focused, in the frame after the next.
      requestAnimationFrame(() => requestAnimationFrame(() => focusInto(panelOf(toggle))));
    });
  }

  // On a phone each row is a card; there a cell that says nothing would be a line of its own.
  function mark(cell) {
    if (["", "-"].includes(cell.textContent.trim())) cell.classList.add("says-nothing");
  }

  function region(element) {
    if (element.id === "main") element.setAttribute("role", "main");
    if (element.id === "content") element.tabIndex = -1; // where the link past the navigation leads
    if (element.matches("nav") && !element.hasAttribute("aria-label")) {
      element.setAttribute("aria-label", element.id === "nav-sidebar-inner" ? "Pages" : "Choices");
    }
    if (element.hasAttribute("data-simplebar")) {
      const place = element.closest("nav, #changelist-filter");
      const label = !place ? "Rows" : place.matches("nav") ? "List of pages" : "Filters";
      element.dataset.simplebarAriaLabel = label;
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !opened) return;
    const { element, toggle } = opened;
    opened = null;
    Alpine.evaluate(element, `${toggle} = false`);
    element.focus();
  });

  document.addEventListener("alpine:init", () => {
    Alpine.interceptInit((element) => {
      // Without words or an icon it is the space around a panel, which Escape closes.
      const clicked = element.hasAttribute("x-on:click") && element.textContent.trim() !== "";
      if (clicked && !element.matches(OPERABLE) && !element.querySelector(OPERABLE)) operate(element);
      if (element.matches('a, button, [role="button"]')) name(element);
      if (element.matches(".material-symbols-outlined") && element.getAttribute("role") !== "button") {
        element.setAttribute("aria-hidden", "true");
      }
      if (element.matches("td[data-label]")) mark(element);
      region(element);
    });
  });
})();
