// The form's browser side: shows lists, a button and two texts, and sends what is chosen or pressed.

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Keep the notebook's own shortcuts away from an element that takes keys. */
function takesKeys(element) {
  element.dataset.lmSuppressShortcuts = "true";
  return element;
}

function render({ model, el }) {
  const selects = {};
  const lists = make("div", { className: "quiz-lists" });
  const about = make("div", { className: "quiz-about" });
  const button = takesKeys(make("button", { type: "submit", textContent: model.get("button") }));
  const status = takesKeys(make("div", { className: "quiz-status", tabIndex: -1 }));
  status.setAttribute("role", "status");

  for (const label of Object.keys(model.get("lists"))) {
    const select = takesKeys(make("select"));
    select.addEventListener("change", () => {
      model.set("chosen", { ...model.get("chosen"), [label]: select.selectedIndex });
      model.set("seen", model.get("lists"));
      model.save_changes();
    });
    selects[label] = select;
    lists.append(make("label", {}, make("span", { textContent: label }), select));
  }

  function showLists() {
    const options = model.get("lists");
    const chosen = model.get("chosen");
    for (const [label, select] of Object.entries(selects)) {
      const shown = Array.from(select.options, (option) => option.text);
      if (String(shown) !== String(options[label])) {
        select.replaceChildren(
          ...options[label].map((name) => make("option", { textContent: name })),
        );
      }
      select.selectedIndex = chosen[label];
    }
  }

  function showTexts() {
    about.innerHTML = model.get("about");
    status.innerHTML = model.get("status");
  }

  function showEnd() {
    const hadFocus = document.activeElement === button;
    button.hidden = model.get("ended");
    if (hadFocus && button.hidden) status.focus();
  }

  const form = make(
    "form",
    { className: "quiz-cell quiz-form" },
    lists,
    about,
    make("div", { className: "quiz-buttons" }, button),
    status,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    model.send({});
  });

  showLists();
  showTexts();
  showEnd();
  el.append(form);
  const watched = [
    ["change:lists change:chosen", showLists],
    ["change:about change:status", showTexts],
    ["change:ended", showEnd],
  ];
  for (const [events, show] of watched) model.on(events, show);
  return () => {
    for (const [events, show] of watched) model.off(events, show);
  };
}

export default { render };
