// The quiz cell's browser side: shows the face of a question, sends what was chosen, shows what
// came back. It knows neither the key nor any feedback.

const PATIENCE_MS = 4000;
const NO_ANSWER =
  "No answer from the kernel yet: is it busy or stopped? Your choice is kept here. " +
  "After a restart, run the first code cell of the lesson, then this one again.";
const SYMBOLS = { right: "✓", wrong: "✗", note: "•" };

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

/** A random UUID; crypto.randomUUID is missing where the page is not served securely. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function choiceInputs(face, id) {
  const inputs = face.options.map((_, place) =>
    takesKeys(
      make("input", {
        type: face.type === "single" ? "radio" : "checkbox",
        name: `${id}-choice`,
        value: String(place),
        ariaLabel: face.spoken.options[place],
      }),
    ),
  );
  const labels = inputs.map((input, place) =>
    make(
      "label",
      { className: "quiz-option" },
      input,
      make("span", { className: "quiz-text", innerHTML: face.options[place] }),
    ),
  );
  return {
    element: make("div", { className: "quiz-options" }, ...labels),
    inputs,
    read: () => inputs.flatMap((input, place) => (input.checked ? [place] : [])),
    write: (shown) =>
      inputs.forEach((input, place) => {
        input.checked = shown.includes(place);
      }),
    mark: (tone, shown = []) =>
      labels.forEach((label, place) => {
        label.dataset.tone = face.type === "single" && shown.includes(place) ? tone : "";
      }),
    nothing: [],
  };
}

function numberInput() {
  const input = takesKeys(
    make("input", { type: "text", inputMode: "decimal", autocomplete: "off", size: 14 }),
  );
  return {
    element: make("label", { className: "quiz-number" }, "Your answer", input),
    inputs: [input],
    read: () => input.value,
    write: (shown) => {
      input.value = shown;
    },
    mark: () => {},
    nothing: "",
  };
}

function render({ model, el }) {
  const face = model.get("face");
  const id = `quiz-${uuid()}`;
  const answer = face.type === "numeric" ? numberInput() : choiceInputs(face, id);
  const submit = takesKeys(make("button", { type: "submit", textContent: face.button }));
  const again = takesKeys(
    make("button", { type: "button", textContent: "Answer again", hidden: true }),
  );
  const status = takesKeys(make("div", { className: "quiz-status", tabIndex: -1 }));
  status.setAttribute("role", "status");

  const fieldset = make(
    "fieldset",
    {},
    make("legend", { textContent: face.legend }),
    make("div", { className: "quiz-stem", innerHTML: face.stem }),
  );
  fieldset.ariaLabel = `${face.legend}: ${face.spoken.stem}`;
  if (face.code) {
    fieldset.append(make("pre", {}, make("code", { textContent: face.code })));
  }
  if (face.figure) {
    fieldset.append(make("img", face.figure));
  }
  if (face.type === "multiple") {
    fieldset.append(make("p", { className: "quiz-how", textContent: face.how }));
  }
  fieldset.append(answer.element);

  const form = make(
    "form",
    { className: "quiz-cell", noValidate: true },
    fieldset,
    make("div", { className: "quiz-buttons" }, submit, again),
    status,
  );

  let pending = null;

  function say({ tone, title, note, body, trouble }) {
    const lines = [];
    if (note) lines.push(make("p", { className: "quiz-note", textContent: note }));
    if (title) {
      const symbol = make("span", { textContent: `${SYMBOLS[tone]} ` });
      symbol.setAttribute("aria-hidden", "true");
      lines.push(make("p", { className: "quiz-title" }, symbol, title));
    }
    if (body) lines.push(make("div", { innerHTML: body }));
    if (trouble) lines.push(make("p", { className: "quiz-note", textContent: trouble }));
    status.dataset.tone = tone;
    status.replaceChildren(...lines);
  }

  /** Close the question, for good when the answer is final, or open it again. */
  function close(closed, final = false) {
    const hadFocus = form.contains(document.activeElement);
    for (const input of answer.inputs) input.disabled = closed;
    submit.hidden = closed;
    again.hidden = !closed || final;
    if (hadFocus) (final ? status : closed ? again : answer.inputs[0]).focus();
  }

  function showResult() {
    const result = model.get("result");
    if (!result) return;
    if (pending && pending.attempt === result.attempt) {
      clearTimeout(pending.timer);
      pending = null;
    }
    const closed = result.tone === "right" || result.final;
    if (closed) answer.write(result.shown ?? answer.nothing);
    answer.mark(result.tone, result.shown);
    say(result);
    if (closed) close(true, result.final);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const response = answer.read();
    // Sending the same choice again repeats the attempt, so that the kernel counts it once.
    const repeated = pending && String(pending.response) === String(response);
    const attempt = repeated ? pending.attempt : uuid();
    clearTimeout(pending?.timer);
    const timer = setTimeout(() => say({ tone: "note", body: NO_ANSWER }), PATIENCE_MS);
    pending = { attempt, response, timer };
    try {
      model.send({ attempt, response });
    } catch {
      say({ tone: "note", body: NO_ANSWER }); // the widget knows that its kernel is gone
    }
  });

  // JupyterLab cancels the line break by which a browser submits a text field itself.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  again.addEventListener("click", () => {
    answer.write(answer.nothing);
    answer.mark("");
    status.dataset.tone = "";
    status.replaceChildren();
    close(false);
  });

  const stored = model.get("result");
  if (stored?.shown !== undefined) answer.write(stored.shown);
  showResult();
  el.append(form);
  model.on("change:result", showResult);
  return () => {
    clearTimeout(pending?.timer);
    model.off("change:result", showResult);
  };
}

export default { render };
