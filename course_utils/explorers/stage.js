// Draws what moves on a stage over the background that Matplotlib drew, plays its steps and reports
// what is dragged. It computes no mathematics: every point comes from Python, in CSS pixels.

const PLAY_SECONDS = 3;
const ARROW_STEP = 0.01; // of the axes; with Shift
const ARROW_LEAP = 0.05;
const SPOKEN_AFTER_MS = 400;
const BEYOND_AXES = 40; // pixels around the axes where lines are still drawn, out of sight
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const WHICH_ARROWS = { both: "Arrow", x: "Left and right arrow", y: "Up and down arrow" };
const SVG = "http://www.w3.org/2000/svg";

const sheet = document.createElement("canvas"); // what drawSquares writes its pixels on

function create(tag, className, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  if (className) element.className = `course-stage-${className}`;
  return element;
}

// JupyterLab's own shortcuts take the arrow keys unless the focused element itself says no.
function keepKeys(element) {
  element.dataset.lmSuppressShortcuts = "true";
  return element;
}

// Setting again what is set already would cost the browser a new layout.
function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function between(low, value, high) {
  return Math.min(Math.max(value, low), high);
}

// ---- Drawing -----------------------------------------------------------------------------------

function markerPath(marker, size) {
  const r = size / 2;
  return {
    circle: `M${r} 0A${r} ${r} 0 1 1 ${-r} 0A${r} ${r} 0 1 1 ${r} 0Z`,
    square: `M${-r} ${-r}H${r}V${r}H${-r}Z`,
    triangle: `M0 ${-r}L${r} ${r}H${-r}Z`,
    diamond: `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0Z`,
  }[marker];
}

// The part of a segment inside the box as fractions [from, to] of its length, or null. A coordinate
// that is not a number fails every comparison, so the line breaks there.
function visiblePart(x0, y0, x1, y1, box) {
  if (Number.isNaN(x0 + y0 + x1 + y1)) return null;
  let from = 0;
  let to = 1;
  const edges = [
    [x0 - x1, x0 - box.left + BEYOND_AXES],
    [x1 - x0, box.right + BEYOND_AXES - x0],
    [y0 - y1, y0 - box.top + BEYOND_AXES],
    [y1 - y0, box.bottom + BEYOND_AXES - y0],
  ];
  for (const [outward, room] of edges) {
    if (outward === 0) {
      if (room < 0) return null;
    } else if (outward > 0) to = Math.min(to, room / outward);
    else from = Math.max(from, room / outward);
  }
  return from <= to ? [from, to] : null;
}

function traceLine(context, points, first, last, box) {
  let penIsDown = false;
  for (let i = first + 2; i <= last; i += 2) {
    const [x0, y0, x1, y1] = points.subarray(i - 2, i + 2);
    const part = visiblePart(x0, y0, x1, y1, box);
    if (part === null) {
      penIsDown = false;
      continue;
    }
    const [from, to] = part;
    if (!penIsDown) context.moveTo(x0 + from * (x1 - x0), y0 + from * (y1 - y0));
    context.lineTo(x0 + to * (x1 - x0), y0 + to * (y1 - y0));
    penIsDown = to === 1;
  }
}

function drawCurve(context, layer, points, step) {
  const shown = layer.steps ? Math.min(step + 1, layer.count) : layer.count;
  const starts = Array.from({ length: layer.runs }, (_, r) => layer.start + 2 * r * layer.count);
  context.beginPath();
  for (const start of starts) traceLine(context, points, start, start + 2 * (shown - 1), layer.box);
  context.strokeStyle = layer.color;
  context.lineWidth = layer.width;
  context.lineJoin = "round";
  context.lineCap = layer.dash.length ? "butt" : "round";
  context.setLineDash(layer.dash);
  context.stroke();
  context.setLineDash([]);
  if (layer.marker === null) return;
  const path = new Path2D(markerPath(layer.marker, layer.markerSize));
  context.fillStyle = layer.color;
  context.strokeStyle = "white";
  context.lineWidth = 0.75;
  for (const start of starts) {
    for (let k = 0; k < shown; k += layer.markedEvery) {
      const [x, y] = points.subarray(start + 2 * k, start + 2 * k + 2);
      if (!isIn(layer.box, x, y, layer.markerSize)) continue;
      context.save();
      context.translate(x, y);
      context.fill(path);
      context.stroke(path);
      context.restore();
    }
  }
}

function drawDots(context, layer, points, step) {
  const frame = layer.steps ? Math.min(step, layer.steps - 1) : 0;
  const start = layer.start + 2 * frame * layer.count;
  if (layer.round) drawDiscs(context, layer, points, start);
  else drawSquares(context, layer, points, start);
}

function drawDiscs(context, layer, points, start) {
  let at = start;
  context.globalAlpha = layer.alpha;
  layer.colors.forEach((color, group) => {
    context.fillStyle = color;
    for (const end = at + 2 * layer.counts[group]; at < end; at += 2) {
      const [x, y] = points.subarray(at, at + 2);
      if (!isIn(layer.box, x, y, layer.size)) continue;
      context.beginPath();
      context.arc(x, y, layer.size / 2, 0, 7);
      context.fill();
    }
  });
}

// Ten thousand squares filled one by one would take tens of milliseconds; as pixels, a few.
function drawSquares(context, layer, points, start) {
  const scale = context.getTransform().a;
  const { left, right, top, bottom } = layer.box;
  const [x0, y0] = [Math.round(left * scale), Math.round(top * scale)];
  const width = Math.max(1, Math.round(right * scale) - x0);
  const height = Math.max(1, Math.round(bottom * scale) - y0);
  const side = layer.size * scale;
  const image = new ImageData(width, height);
  const { data } = image;
  let at = start;
  layer.colors.forEach((color, group) => {
    const [red, green, blue, alpha] = [1, 3, 5, 7].map((k) => parseInt(color.slice(k, k + 2), 16));
    const opacity = (layer.alpha * alpha) / 255;
    for (const end = at + 2 * layer.counts[group]; at < end; at += 2) {
      const [x, y] = [points[at] * scale - x0 - side / 2, points[at + 1] * scale - y0 - side / 2];
      const [xStart, xEnd] = [Math.max(x, 0), Math.min(x + side, width)];
      const [yStart, yEnd] = [Math.max(y, 0), Math.min(y + side, height)];
      for (let row = Math.floor(yStart); row < yEnd; row += 1) {
        const covered = opacity * (Math.min(row + 1, yEnd) - Math.max(row, yStart));
        for (let column = Math.floor(xStart); column < xEnd; column += 1) {
          const share = covered * (Math.min(column + 1, xEnd) - Math.max(column, xStart));
          const pixel = 4 * (row * width + column);
          data[pixel] = red;
          data[pixel + 1] = green;
          data[pixel + 2] = blue;
          data[pixel + 3] += share * (255 - data[pixel + 3]);
        }
      }
    }
  });
  Object.assign(sheet, { width, height });
  sheet.getContext("2d").putImageData(image, 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(sheet, x0, y0);
}

function drawText(context, layer, points) {
  const x = points[layer.start];
  const y = points[layer.start + 1];
  if (!isIn(layer.box, x, y, 0)) return;
  context.font = `${layer.size}px "DejaVu Sans", Verdana, sans-serif`;
  context.textAlign = layer.align;
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = "white";
  context.strokeText(layer.text, x + layer.gap, y);
  context.fillStyle = layer.color;
  context.fillText(layer.text, x + layer.gap, y);
}

function isIn(box, x, y, margin) {
  return (
    x >= box.left - margin &&
    x <= box.right + margin &&
    y >= box.top - margin &&
    y <= box.bottom + margin
  );
}

const DRAWN = { curve: drawCurve, dots: drawDots, text: drawText };

function drawLayers(context, layers, points, step) {
  for (const layer of layers) {
    if (!(layer.kind in DRAWN)) continue;
    context.save();
    if (layer.kind !== "text") {
      const { left, right, top, bottom } = layer.box;
      context.beginPath();
      context.rect(left, top, right - left, bottom - top);
      context.clip();
    }
    DRAWN[layer.kind](context, layer, points, step);
    context.restore();
  }
}

// ---- Points to drag ----------------------------------------------------------------------------

// `report(key, x, y)` sends a move to Python and returns its serial number. Until Python has
// answered that number the handle stays where the learner put it.
function createHandle(canvas, report) {
  const button = keepKeys(create("button", "handle", { type: "button" }));
  button.setAttribute("role", "slider");
  let layer = null;
  let scene = null;
  let home = [0, 0];
  let own = null; // {x, y, serial} of the newest move that Python has not answered
  let grip = null; // from the pointer to the handle's centre, while it is dragged
  let reach = null; // where the arrow keys have got to while Python puts the point back

  function position() {
    const x = own && layer.along !== "y" ? own.x : home[0];
    const y = own && layer.along !== "x" ? own.y : home[1];
    const { left, right, top, bottom } = layer.box;
    return [between(left, x, right), between(top, y, bottom)];
  }

  function place() {
    const [x, y] = position();
    button.hidden = Number.isNaN(x + y);
    button.style.left = `${(100 * x) / scene.width}%`;
    button.style.top = `${(100 * y) / scene.height}%`;
  }

  function move(x, y) {
    const { left, right, top, bottom } = layer.box;
    own = { x: between(left, x, right), y: between(top, y, bottom) };
    own.serial = report(layer.key, own.x, own.y);
    place();
  }

  function pointer(event) {
    const frame = canvas.getBoundingClientRect();
    return [
      ((event.clientX - frame.left) * scene.width) / frame.width,
      ((event.clientY - frame.top) * scene.height) / frame.height,
    ];
  }

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    button.focus({ preventScroll: true });
    button.setPointerCapture(event.pointerId);
    reach = null;
    const [x, y] = position();
    const [pointerX, pointerY] = pointer(event);
    grip = [x - pointerX, y - pointerY];
  });
  button.addEventListener("pointermove", (event) => {
    if (grip === null) return;
    const [x, y] = pointer(event);
    move(x + grip[0], y + grip[1]);
  });
  button.addEventListener("lostpointercapture", () => {
    grip = null;
    show(layer, scene, home);
  });
  button.addEventListener("keydown", (event) => {
    if (!(event.key in ARROWS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const [right, down] = ARROWS[event.key];
    const share = event.shiftKey ? ARROW_LEAP : ARROW_STEP;
    const { box } = layer;
    const [x, y] = reach ?? position();
    move(x + right * share * (box.right - box.left), y + down * share * (box.bottom - box.top));
    reach = [own.x, own.y];
  });
  button.addEventListener("blur", () => {
    reach = null;
  });

  function show(newLayer, newScene, point) {
    if (point[0] !== home[0] || point[1] !== home[1]) reach = null;
    [layer, scene, home] = [newLayer, newScene, point];
    if (own && grip === null && own.serial <= scene.answered) own = null;
    const keys = `${WHICH_ARROWS[layer.along]} keys move`;
    setAttribute(button, "title", layer.name);
    setAttribute(
      button,
      "aria-label",
      `${layer.name}, ${layer.position}. ${keys} it, with Shift in larger steps`,
    );
    setAttribute(button, "aria-valuetext", layer.position);
    setAttribute(button, "aria-valuemin", "0");
    setAttribute(button, "aria-valuemax", "100");
    const { left, right, top, bottom } = layer.box;
    const upright = layer.along === "y";
    const share = upright ? (bottom - home[1]) / (bottom - top) : (home[0] - left) / (right - left);
    setAttribute(button, "aria-orientation", upright ? "vertical" : "horizontal");
    setAttribute(button, "aria-valuenow", String(between(0, Math.round(100 * share), 100)));
    button.style.setProperty("--handle-color", layer.color);
    button.style.setProperty("--handle-size", `${layer.size}px`);
    button.classList.toggle("course-stage-sideways", layer.along === "x");
    button.classList.toggle("course-stage-upright", layer.along === "y");
    place();
  }

  return { element: button, show };
}

function createHandles(picture, canvas, model) {
  const handles = new Map();

  function report(key, x, y) {
    const moves = model.get("_moves");
    const serials = Object.values(moves).map((move) => move[0]);
    const serial = 1 + Math.max(model.get("_scene").answered, ...serials);
    // The widget manager keeps one message in flight and sends only the newest value after it.
    model.set("_moves", { ...moves, [key]: [serial, x, y] });
    model.save_changes();
    return serial;
  }

  return function show(scene, points) {
    const layers = scene.layers.filter((layer) => layer.kind === "handle");
    for (const [key, handle] of handles) {
      if (layers.some((layer) => layer.key === key)) continue;
      handle.element.remove();
      handles.delete(key);
    }
    for (const layer of layers) {
      if (!handles.has(layer.key)) {
        const handle = createHandle(canvas, report);
        handles.set(layer.key, handle);
        picture.append(handle.element);
      }
      handles.get(layer.key).show(layer, scene, points.subarray(layer.start, layer.start + 2));
    }
  };
}

// ---- Player ------------------------------------------------------------------------------------

const ICONS = {
  first: "M4 3v10M12 3L7 8l5 5",
  back: "M10 3L5 8l5 5",
  play: "M4 3v10l8-5z",
  pause: "M4 3h2v10H4zM10 3h2v10h-2z",
  forward: "M6 3l5 5-5 5",
  last: "M4 3l5 5-5 5M12 3v10",
};

function icon(name) {
  return `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

// Reveals the steps in the browser alone; `moved` is called whenever another step is to be shown.
function createPlayer(moved) {
  const row = create("div", "player", { hidden: true });
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Steps");
  let steps = 0;
  let position = 1; // 0 is the first step, 1 the last, so that it outlives a change of data
  let ticking = null;
  let shown = "";

  function button(label, action) {
    const element = keepKeys(create("button", "button", { type: "button", title: label }));
    element.setAttribute("aria-label", label);
    element.addEventListener("click", action);
    row.append(element);
    return element;
  }

  function step() {
    return Math.round(position * Math.max(steps - 1, 0));
  }

  function go(newPosition) {
    position = between(0, newPosition, 1);
    show();
    moved();
  }

  function goToStep(k) {
    stop();
    go(steps > 1 ? k / (steps - 1) : 1);
  }

  function stop() {
    cancelAnimationFrame(ticking);
    ticking = null;
    show();
  }

  function start() {
    const from = position < 1 ? position : 0;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let began = null;
    const tick = (now) => {
      began ??= now;
      const seconds = (now - began) / 1000;
      go(from + (calm ? 0.1 * Math.floor(2 * seconds) : seconds / PLAY_SECONDS));
      ticking = position < 1 ? requestAnimationFrame(tick) : null;
      if (ticking === null) show();
    };
    ticking = requestAnimationFrame(tick);
    show();
  }

  const first = button("First step", () => goToStep(0));
  const back = button("Step back", () => goToStep(step() - 1));
  const play = button("Play", () => (ticking === null ? start() : stop()));
  const forward = button("Step forward", () => goToStep(step() + 1));
  const last = button("Last step", () => goToStep(steps - 1));
  first.innerHTML = icon("first");
  back.innerHTML = icon("back");
  forward.innerHTML = icon("forward");
  last.innerHTML = icon("last");
  play.classList.add("course-stage-play");
  const range = keepKeys(create("input", "range", { type: "range", min: 0, step: 1 }));
  range.setAttribute("aria-label", "Step");
  range.addEventListener("input", () => goToStep(Number(range.value)));
  const count = create("span", "count");
  row.append(range, count);

  function show() {
    const text = `step ${step()} of ${steps - 1}`;
    const label = ticking === null ? "Play" : "Pause";
    if (shown === label + text) return;
    shown = label + text;
    row.hidden = steps < 2;
    range.max = Math.max(steps - 1, 0);
    range.value = step();
    range.setAttribute("aria-valuetext", text);
    count.textContent = text;
    count.style.minWidth = `${`step ${steps - 1} of ${steps - 1}`.length}ch`;
    if (play.title !== label || !play.innerHTML) {
      play.title = label;
      play.setAttribute("aria-label", label);
      play.innerHTML = `${icon(label.toLowerCase())}<span>${label}</span>`;
    }
  }

  function setSteps(newSteps) {
    steps = newSteps;
    show();
  }

  return { element: row, setSteps, step, stop };
}

// ---- Words below the picture -------------------------------------------------------------------

function sample(layer) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "-17 -7 34 14");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", "M-17 0H17");
  line.setAttribute("stroke", layer.color);
  line.setAttribute("stroke-width", layer.width);
  line.setAttribute("stroke-dasharray", layer.dash.join(" "));
  svg.append(line);
  if (layer.marker !== null) {
    const marker = document.createElementNS(SVG, "path");
    marker.setAttribute("d", markerPath(layer.marker, layer.markerSize));
    marker.setAttribute("fill", layer.color);
    marker.setAttribute("stroke", "white");
    marker.setAttribute("stroke-width", "0.75");
    svg.append(marker);
  }
  return svg;
}

function createLegend() {
  const list = create("ul", "legend");
  let shown = "";

  function show(layers) {
    const labelled = layers.filter((layer) => layer.label);
    const looks = labelled.map(({ label, color, width, dash, marker, markerSize }) => {
      return { label, color, width, dash, marker, markerSize };
    });
    if (JSON.stringify(looks) === shown) return;
    shown = JSON.stringify(looks);
    list.hidden = looks.length === 0;
    list.replaceChildren(
      ...looks.map((look) => {
        const item = create("li");
        item.append(sample(look), look.label);
        return item;
      }),
    );
  }

  list.hidden = true;
  return { element: list, show };
}

// The text changes at once for the eye and, once it has come to rest, for a screen reader.
function createReading(id) {
  const visible = create("p", "reading", { id });
  visible.setAttribute("aria-hidden", "true");
  const spoken = create("div", "spoken");
  spoken.setAttribute("role", "status");
  spoken.setAttribute("aria-live", "polite");
  let timer = null;

  function show(text) {
    if (text === visible.textContent) return;
    const wait = visible.textContent ? SPOKEN_AFTER_MS : 0;
    visible.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => (spoken.textContent = text), wait);
  }

  return { elements: [visible, spoken], show };
}

// ---- Controls beside the stage -----------------------------------------------------------------

// The sliders of ipywidgets have no name, and speak of their place on the track: the exponent,
// where it is logarithmic. All of its controls leave their keys to JupyterLab.
function makeAccessible(explorer) {
  for (const slider of explorer.querySelectorAll(".widget-slider")) {
    const name = slider.querySelector(".widget-label").textContent;
    const [handle, number] = slider.querySelectorAll(".noUi-handle, .widget-readout");
    setAttribute(handle, "aria-label", name);
    setAttribute(handle, "aria-valuetext", number.textContent);
    setAttribute(number, "role", "textbox");
    setAttribute(number, "aria-label", `${name}, typed`);
  }
  explorer
    .querySelectorAll(".noUi-handle, .widget-readout, .widget-dropdown select, .widget-button")
    .forEach(keepKeys);
}

// Starts once the stage is on the page, also where that is not yet scrolled into sight.
function keepAccessible(stage) {
  let explorer = null;
  let waiting = null;
  const changes = new MutationObserver(() => makeAccessible(explorer));

  function start() {
    explorer = stage.closest(".course-explorer");
    if (!stage.isConnected) waiting = requestAnimationFrame(start);
    else if (explorer !== null) {
      const attributeFilter = ["aria-valuetext"];
      changes.observe(explorer, { subtree: true, childList: true, attributeFilter });
      makeAccessible(explorer);
    }
  }

  start();
  return () => {
    cancelAnimationFrame(waiting);
    changes.disconnect();
  };
}

// ---- The stage ---------------------------------------------------------------------------------

async function decoded(bytes) {
  const image = create("img", "background", { alt: "", draggable: false });
  if (bytes.byteLength === 0) return image;
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  await image.decode();
  return image;
}

function render({ model, el }) {
  // Every stage loads this module for itself, so that a counter here would count to one.
  const readingId = `course-stage-reading-${Math.random().toString(36).slice(2)}`;
  const removed = new AbortController();
  let scene = null;
  let points = new Float32Array();
  let background = create("img", "background", { alt: "" });
  let wantedBytes = null;
  let decoding = false;
  let drawing = null;
  let frame = null; // the one for which a change is drawn already

  const canvas = create("canvas", "canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("_name"));
  canvas.setAttribute("aria-describedby", readingId);
  const picture = create("div", "picture");
  picture.append(background, canvas);
  const showHandles = createHandles(picture, canvas, model);
  const legend = createLegend();
  const player = createPlayer(drawSoon);
  const reading = createReading(readingId);
  const card = create("div", "card");
  card.append(picture, legend.element);
  el.classList.add("course-stage");
  el.append(card, player.element, ...reading.elements);

  function draw() {
    cancelAnimationFrame(drawing);
    drawing = null;
    if (scene === null || canvas.clientWidth === 0) return;
    const scale = (canvas.clientWidth * window.devicePixelRatio) / scene.width;
    const [width, height] = [scene.width, scene.height].map((side) => Math.round(side * scale));
    const context = canvas.getContext("2d");
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.scale(scale, scale);
    drawLayers(context, scene.layers, points, player.step());
  }

  function drawSoon() {
    drawing ??= requestAnimationFrame(draw);
  }

  // The first change of a frame is drawn while the browser waits for the frame's end, later ones
  // together in the next.
  function drawAtOnce() {
    if (frame !== null) return drawSoon();
    draw();
    frame = requestAnimationFrame(() => (frame = null));
  }

  function showScene() {
    scene = model.get("_scene");
    const bytes = scene.points;
    points = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    );
    card.style.width = `${scene.width}px`;
    picture.style.aspectRatio = `${scene.width} / ${scene.height}`;
    legend.show(scene.layers);
    reading.show(scene.reading);
    player.setSteps(Math.max(0, ...scene.layers.map((layer) => layer.steps ?? 0)));
    showHandles(scene, points);
    drawAtOnce();
  }

  // A new background and the layers over it appear together, once the background is decoded.
  async function changed() {
    const bytes = model.get("_background");
    if (bytes !== wantedBytes) {
      wantedBytes = bytes;
      decoding = true;
      const image = await decoded(bytes);
      if (bytes !== wantedBytes) return URL.revokeObjectURL(image.src);
      decoding = false;
      URL.revokeObjectURL(background.src);
      background.replaceWith(image);
      background = image;
    }
    if (!decoding) showScene();
  }

  model.on("change:_scene", changed);
  const letGo = keepAccessible(el);
  const resized = new ResizeObserver(drawSoon);
  resized.observe(canvas);
  window.addEventListener("resize", drawSoon, { signal: removed.signal });
  changed();

  return () => {
    model.off("change:_scene", changed);
    removed.abort();
    resized.disconnect();
    letGo();
    player.stop();
    cancelAnimationFrame(drawing);
    cancelAnimationFrame(frame);
    URL.revokeObjectURL(background.src);
  };
}

export default { render };
