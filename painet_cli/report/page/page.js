"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const MANY = 3000; // particles, beyond which bonds are off at first and plots wait for a pause
  const NAMED = 120; // particles, up to which each has a bar with its name
  const count = data.labels.length;
  const last = data.steps.length - 1;
  const state = { start: 0, step: last, playing: false };
  const dark = () => document.documentElement.dataset.theme === "dark";
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => (dark() ? data.kinds.dark : data.kinds.light);
  const measured = data.truth_known ? "from the truth" : "from the start";
  const ticked = (id) => byId(id).checked;
  const short = (value) => (value === 0 ? "0" : Number(value.toPrecision(3)).toString());

  // ---- numbers -------------------------------------------------------------------------------

  function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const numbers = new DataView(bytes.buffer);
    return Float32Array.from({ length: bytes.length / 4 }, (_, k) => numbers.getFloat32(4 * k, true));
  }

  /** Radii that hold 90 % of the particles, a step a row, and of all particles together. */
  function errorBars() {
    if (!data.radius) return null;
    const every = unpacked(data.radius.particles);
    const of = Array.from({ length: last }, (_, k) => every.subarray(count * k, count * (k + 1)));
    return { of, all: data.radius.all };
  }
  const bars = errorBars();

  /** The chosen start, a step a row, in the scene: turned to the reader, its longest side 1. */
  let kept = null;
  function chosen() {
    if (kept?.start === state.start) return kept;
    const start = data.starts[state.start];
    const middle = start.ranges.map(([low, high]) => (low + high) / 2);
    const size = Math.max(...start.ranges.map(([low, high]) => high - low));
    const rows = (text) => {
      const all = unpacked(text);
      return Array.from({ length: all.length / (3 * count) }, (_, k) =>
        turned(all.subarray(3 * count * k, 3 * count * (k + 1)), middle, size));
    };
    const [begin] = rows(start.begin);
    const predicted = [begin, ...rows(start.predicted)];
    const truth = start.truth === null ? null : [begin, ...rows(start.truth)];
    const distances = predicted.map((row, k) => apart(row, truth ? truth[k] : begin, size));
    const longest = distances.reduce((most, row) => row.reduce((a, b) => (b > a ? b : a), most), 0);
    const half = extent(truth ?? [predicted[0], predicted[last]]);
    kept = { start: state.start, begin, predicted, truth, distances, longest: longest || 1, size, half };
    return kept;
  }

  function turned(row, middle, size) {
    const out = new Float32Array(row.length);
    for (let i = 0; i < row.length; i += 3) {
      for (let axis = 0; axis < 3; axis += 1) {
        const way = data.view[axis];
        for (let k = 0; k < 3; k += 1) out[i + axis] += (way[k] * (row[i + k] - middle[k])) / size;
      }
    }
    return out;
  }

  function apart(a, b, size) {
    return Float32Array.from({ length: count }, (_, i) =>
      size * Math.hypot(a[3 * i] - b[3 * i], a[3 * i + 1] - b[3 * i + 1], a[3 * i + 2] - b[3 * i + 2]));
  }

  /** Half sides of what is to be seen, about the middle of the scene. */
  function extent(rows) {
    const half = [0.05, 0.05, 0.05];
    for (const row of rows) {
      row.forEach((at, k) => { if (Math.abs(at) < 1) half[k % 3] = Math.max(half[k % 3], Math.abs(at)); });
    }
    return half;
  }

  /** Radius of a particle: a share of the middle bond, or of the room that each has. */
  function radius() {
    const { begin, half } = chosen();
    const lengths = [];
    for (let k = 0; k < data.bonds.length; k += 2) lengths.push(span(begin, data.bonds[k], data.bonds[k + 1]));
    const crowded = 2 * Math.cbrt(half.reduce((product, side) => product * 2 * Math.max(side, 0.05), 1) / count);
    const middle = lengths.sort((a, b) => a - b)[lengths.length >> 1];
    return 0.22 * Math.min(crowded, middle ?? Math.min(crowded / 2, 0.2));
  }

  function span(row, i, j) {
    return Math.hypot(row[3 * j] - row[3 * i], row[3 * j + 1] - row[3 * i + 1], row[3 * j + 2] - row[3 * i + 2]);
  }

  // ---- three dimensions ----------------------------------------------------------------------

  const canvas = document.createElement("canvas");
  let stage = null;

  function setTheStage() {
    const renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true, preserveDrawingBuffer: true });
    renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    const scene = new THREE.Scene();
    const camera = new THREE.PerspectiveCamera(35, 1, 0.01, 100);
    // together they show a surface that faces the reader in exactly its colour
    const lamp = new THREE.DirectionalLight(0xffffff, 0.4 * Math.PI);
    camera.add(lamp);
    lamp.position.set(0, 0, 1);
    scene.add(camera, new THREE.AmbientLight(0xffffff, 0.6 * Math.PI));
    const [wide, tall] = count > MANY ? [8, 6] : count > NAMED ? [12, 8] : [24, 16];
    const sphere = new THREE.SphereGeometry(1, wide, tall);
    const rod = new THREE.CylinderGeometry(1, 1, 1, count > MANY ? 6 : 12, 1, true);
    const body = (pairs, opacity) => {
      const skin = () => new THREE.MeshLambertMaterial(
        opacity < 1 ? { transparent: true, opacity, depthWrite: false } : {});
      const made = {
        points: new THREE.InstancedMesh(sphere, skin(), count),
        rods: new THREE.InstancedMesh(rod, skin(), Math.max(1, pairs)),
      };
      for (const mesh of Object.values(made)) {
        mesh.frustumCulled = false;
        scene.add(mesh);
      }
      return made;
    };
    const rods = data.bonds.length / 2 + data.trace.length / 2;
    const lines = new THREE.LineSegments(new THREE.BufferGeometry(), new THREE.LineBasicMaterial({ transparent: true }));
    lines.frustumCulled = false; // its points change with the start
    scene.add(lines);
    byId("view").append(canvas);
    const controls = new THREE.OrbitControls(camera, canvas);
    stage = { renderer, scene, camera, controls, lines, predicted: body(rods, 1), truth: body(rods, 0.42) };
    if (bars) {
      const haze = new THREE.MeshLambertMaterial({ transparent: true, opacity: 0.14, depthWrite: false });
      stage.bars = new THREE.InstancedMesh(sphere, haze, count);
      stage.bars.frustumCulled = false;
      scene.add(stage.bars);
    }
    controls.addEventListener("change", show);
    look();
  }

  /** The side from which flat pictures look, far enough away to see all particles. */
  function look() {
    const { camera, controls } = stage;
    const { clientWidth: width, clientHeight: height } = byId("view");
    const [wide, tall, deep] = chosen().half;
    const far = (1.25 * Math.max(tall, (wide * height) / width)) / Math.tan((camera.fov * Math.PI) / 360) + deep;
    const [turn, lift] = data.up ? [0.35, 0.2] : [0, 0]; // a figure on a floor is seen from above
    camera.position.set(far * Math.cos(lift) * Math.sin(turn), far * Math.sin(lift), far * Math.cos(lift) * Math.cos(turn));
    controls.target.set(0, 0, 0);
    controls.update();
  }

  function show() {
    const { renderer, scene, camera } = stage;
    renderer.render(scene, camera);
  }

  function fit() {
    const { clientWidth: width, clientHeight: height } = byId("view");
    stage.renderer.setSize(width, height, false);
    stage.camera.aspect = width / height;
    stage.camera.updateProjectionMatrix();
    show();
  }

  function place({ points, rods }, row, colours, rodColour) {
    const size = radius();
    const matrix = points.instanceMatrix.array;
    const colour = new THREE.Color();
    for (let i = 0; i < count; i += 1) {
      const r = size * data.kinds.sizes[data.kinds.of_particle[i]];
      matrix.set([r, 0, 0, 0, 0, r, 0, 0, 0, 0, r, 0, row[3 * i], row[3 * i + 1], row[3 * i + 2], 1], 16 * i);
      points.setColorAt(i, colour.set(colours[i]));
    }
    points.instanceMatrix.needsUpdate = true;
    points.instanceColor.needsUpdate = true;
    points.boundingSphere = null;
    const drawn = ticked("show-bonds") ? [[data.bonds, 0.32 * size], [data.trace, 0.75 * size]] : [[data.trace, 0.75 * size]];
    let k = 0;
    for (const [pairs, thick] of drawn) {
      for (let at = 0; at < pairs.length; at += 2, k += 1) {
        rods.setMatrixAt(k, between(row, pairs[at], pairs[at + 1], thick));
      }
    }
    rods.count = k;
    rods.material.color.set(rodColour);
    rods.instanceMatrix.needsUpdate = true;
  }

  /** Around each predicted particle the sphere that is to hold it in nine cases of ten. */
  function drawBars() {
    if (!stage.bars) return;
    stage.bars.visible = state.step > 0 && ticked("show-bars") && ticked("show-prediction");
    if (!stage.bars.visible) return;
    const { predicted, size } = chosen();
    const row = predicted[state.step];
    const matrix = stage.bars.instanceMatrix.array;
    bars.of[state.step - 1].forEach((radius, i) => {
      const r = radius / size;
      matrix.set([r, 0, 0, 0, 0, r, 0, 0, 0, 0, r, 0, row[3 * i], row[3 * i + 1], row[3 * i + 2], 1], 16 * i);
    });
    stage.bars.material.color.set(style("--accent"));
    stage.bars.instanceMatrix.needsUpdate = true;
  }

  const upright = new THREE.Vector3(0, 1, 0);
  function between(row, i, j, thick) {
    const from = new THREE.Vector3().fromArray(row, 3 * i);
    const way = new THREE.Vector3().fromArray(row, 3 * j).sub(from);
    const length = way.length();
    const turn = new THREE.Quaternion().setFromUnitVectors(upright, way.clone().divideScalar(length || 1));
    return new THREE.Matrix4().compose(from.addScaledVector(way, 0.5), turn, new THREE.Vector3(thick, length, thick));
  }

  /** Lines on the floor where there is a height, and the box of the axes. */
  function drawLines() {
    const [x, y, z] = chosen().half;
    const points = [];
    if (data.up) {
      for (let k = -4; k <= 4; k += 1) {
        points.push((k * x) / 4, -y, -z, (k * x) / 4, -y, z, -x, -y, (k * z) / 4, x, -y, (k * z) / 4);
      }
    }
    if (ticked("show-axes")) {
      for (const a of [-1, 1]) {
        for (const b of [-1, 1]) {
          points.push(-x, a * y, b * z, x, a * y, b * z, a * x, -y, b * z, a * x, y, b * z, a * x, b * y, -z, a * x, b * y, z);
        }
      }
    }
    stage.lines.geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(points), 3));
    stage.lines.material.color.set(style("--quiet"));
    stage.lines.material.opacity = 0.35;
    byId("scale").hidden = !ticked("show-axes");
    byId("scale").textContent = `box ${[x, y, z].map((side) => short(2 * side * chosen().size)).join(" × ")} ${data.unit}`;
  }

  const RAMP = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"]; // viridis
  function ramp(share) {
    const at = Math.min(1, Math.max(0, share)) * (RAMP.length - 1);
    const k = Math.min(RAMP.length - 2, Math.floor(at));
    return `#${new THREE.Color(RAMP[k]).lerp(new THREE.Color(RAMP[k + 1]), at - k).getHexString()}`;
  }

  function drawStage() {
    if (!stage) return;
    const now = chosen();
    const far = now.distances[state.step];
    const byType = byId("colour").value === "type";
    const colours = palette();
    const of = data.kinds.of_particle.map((kind, i) => (byType ? colours[kind] : ramp(far[i] / now.longest)));
    place(stage.predicted, now.predicted[state.step], of, data.kinds.names.length === 1 ? colours[0] : style("--bond"));
    if (now.truth) place(stage.truth, now.truth[state.step], Array(count).fill(style("--truth")), style("--truth"));
    for (const [body, seen] of [["predicted", ticked("show-prediction")], ["truth", now.truth && ticked("show-truth")]]) {
      for (const mesh of Object.values(stage[body])) mesh.visible = Boolean(seen);
    }
    drawBars();
    drawLines();
    show();
  }

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const at = new THREE.Vector2(
      (2 * (event.clientX - box.left)) / box.width - 1, 1 - (2 * (event.clientY - box.top)) / box.height);
    const ray = new THREE.Raycaster();
    ray.setFromCamera(at, stage.camera);
    const hit = event.buttons || !stage.predicted.points.visible ? null : ray.intersectObject(stage.predicted.points)[0];
    byId("tip").hidden = !hit;
    if (!hit) return;
    const far = chosen().distances[state.step][hit.instanceId];
    byId("tip").textContent = `${data.labels[hit.instanceId]}: ${short(far)} ${data.unit} ${measured}`;
    byId("tip").style.transform = `translate(${event.clientX - box.left + 12}px, ${event.clientY - box.top + 12}px)`;
  }

  // ---- plots ---------------------------------------------------------------------------------

  function svg(name, attributes = {}, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  }

  /** Axes of a plot, and where a value lies on them. */
  function frame(id, { x: [x0, x1], y: [y0, y1], log, unit, bottom }) {
    const { clientWidth: width, clientHeight: height } = byId(id);
    const box = { left: 56, right: width - 10, top: 10, bottom: height - bottom };
    const up = log ? Math.log10 : (value) => value;
    const px = (value) => box.left + ((value - x0) / (x1 - x0)) * (box.right - box.left);
    const py = (value) => box.bottom - ((up(value) - up(y0)) / (up(y1) - up(y0))) * (box.bottom - box.top);
    const picture = svg("svg", { width, height, "font-size": 11, fill: style("--ink") });
    const ticks = log ? decades(y0, y1) : nice(y0, y1);
    for (const tick of ticks) {
      picture.append(
        svg("line", { x1: box.left, x2: box.right, y1: py(tick), y2: py(tick), stroke: style("--grid") }),
        svg("text", { x: box.left - 6, y: py(tick) + 4, "text-anchor": "end" }, short(tick)));
    }
    picture.append(
      svg("text", { transform: `translate(12 ${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, unit),
      svg("path", { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`, fill: "none", stroke: style("--line") }));
    byId(id).replaceChildren(picture);
    return { picture, box, px, py };
  }

  function nice(low, high) {
    const power = 10 ** Math.floor(Math.log10((high - low) / 4));
    const gap = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= (high - low) / 4);
    return Array.from({ length: Math.floor(high / gap) - Math.ceil(low / gap) + 1 }, (_, k) => (Math.ceil(low / gap) + k) * gap);
  }

  function decades(low, high) {
    const first = Math.ceil(Math.log10(low));
    return Array.from({ length: Math.max(0, Math.floor(Math.log10(high)) - first + 1) }, (_, k) => 10 ** (first + k));
  }

  const LOOKS = {
    prediction: ["--accent", 2.5, ""],
    "nothing moves": ["--still", 1.5, "2 3"],
    "straight on": ["--rival", 1.5, "6 4"],
  };

  /** Where the names of a legend stand, in as many rows as they need. */
  function inRows(names) {
    const room = byId("step-plot").clientWidth - 66;
    let [x, row] = [0, 0];
    const places = names.map((name) => {
      const wide = 34 + 6.2 * name.length;
      if (x > 0 && x + wide > room) [x, row] = [0, row + 1];
      const place = { x, row };
      x += wide + 6;
      return place;
    });
    return { places, rows: row + 1 };
  }

  /** Lowest and highest value of nine particles of ten at each step, by the radius there. */
  function ribbonOf(row) {
    if (!bars || !ticked("show-bars")) return [];
    return bars.all.map((radius, k) => (data.truth_known ? [0, radius ** 2 / 3] : [Math.max(0, row[k] - radius), row[k] + radius]));
  }

  function drawSteps() {
    const errors = data.starts[state.start].errors;
    const steps = data.steps.slice(1);
    const ribbon = ribbonOf(errors.prediction);
    const values = [...Object.values(errors).flat(), ...ribbon.map(([, high]) => high)].filter((value) => value > 0);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const log = most > 30 * least;
    const { places, rows } = inRows([...Object.keys(errors), ...(ribbon.length ? ["90 %"] : [])]);
    const { picture, box, px, py } = frame("step-plot", {
      x: [Math.min(0.5, steps[0] / 2), steps.at(-1) + 0.5], y: log ? [least / 1.3, most * 1.3] : [0, most * 1.05],
      log, unit: data.unit + (data.truth_known ? "²" : ""), bottom: 32 + 14 * rows,
    });
    const every = Math.ceil(steps.length / 10);
    steps.filter((_, k) => k % every === 0).forEach((step) => picture.append(
      svg("text", { x: px(step), y: box.bottom + 14, "text-anchor": "middle" }, step)));
    if (ribbon.length) {
      const floor = log ? least / 1.3 : 0;
      const way = [...ribbon.map(([, high], k) => [steps[k], high]), ...ribbon.map(([low], k) => [steps[k], low]).reverse()];
      picture.append(svg("path", {
        d: `M${way.map(([x, y]) => `${px(x)} ${py(Math.max(y, floor))}`).join("L")}Z`, fill: style("--accent"), opacity: 0.18,
      }));
    }
    if (state.step) {
      const x = px(data.steps[state.step]);
      picture.append(svg("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, stroke: style("--quiet") }));
    }
    Object.entries(errors).forEach(([name, row], number) => {
      const [at, below] = [box.left + places[number].x, box.bottom + 32 + 14 * places[number].row];
      const [colour, width, dash] = LOOKS[name] ?? ["--quiet", 1.5, "1 2"];
      const line = { stroke: style(colour), "stroke-width": width, "stroke-dasharray": dash, fill: "none" };
      const dots = row.map((value, k) => (value > 0 || (!log && value === 0) ? [px(steps[k]), py(value), k] : null)).filter(Boolean);
      picture.append(svg("path", { d: dots.map(([x, y], k) => `${k ? "L" : "M"}${x} ${y}`).join(""), ...line }));
      if (steps.length <= 30) {
        for (const [x, y, k] of dots) {
          const dot = svg("circle", { cx: x, cy: y, r: 3, fill: style(colour) });
          dot.append(svg("title", {}, `${name}, step ${steps[k]} ${data.times[k + 1]}: ${short(row[k])}`));
          picture.append(dot);
        }
      }
      picture.append(svg("path", { d: `M${at} ${below}h20`, ...line }), svg("text", { x: at + 24, y: below + 4 }, name));
    });
    if (ribbon.length) {
      const [at, below] = [box.left + places.at(-1).x, box.bottom + 32 + 14 * places.at(-1).row];
      picture.append(
        svg("rect", { x: at, y: below - 5, width: 20, height: 10, fill: style("--accent"), opacity: 0.18 }),
        svg("text", { x: at + 24, y: below + 4 }, "90 %"));
    }
    picture.addEventListener("click", (event) => {
      const x = event.clientX - picture.getBoundingClientRect().left;
      const apart = steps.map((step) => Math.abs(px(step) - x));
      choose(1 + apart.indexOf(Math.min(...apart)));
    });
  }

  function drawParticles() {
    const now = chosen();
    const far = now.distances[state.step];
    const named = count <= NAMED;
    const names = named && (byId("particle-plot").clientWidth - 66) / count;
    const radii = bars && state.step && ticked("show-bars") ? bars.of[state.step - 1] : null;
    const above = radii ? Math.max(now.longest, ...radii) : now.longest;
    const { picture, box, px, py } = frame("particle-plot", {
      x: [-0.5, count - 0.5], y: [0, 1.05 * above], unit: data.unit, bottom: named && names < 40 ? 74 : 24,
    });
    const fill = style("--accent");
    if (!named) {
      const path = Array.from(far, (value, i) => `L${px(i)} ${py(value)}`).join("");
      picture.append(svg("path", { d: `M${px(0)} ${py(0)}${path}L${px(count - 1)} ${py(0)}`, fill, stroke: fill }));
      return;
    }
    const wide = 0.75 * (px(1) - px(0));
    const every = Math.ceil(11 / names); // a label takes eleven pixels
    far.forEach((value, i) => {
      const bar = svg("rect", { x: px(i) - wide / 2, y: py(value), width: wide, height: Math.max(0, box.bottom - py(value)), fill });
      bar.append(svg("title", {}, `${data.labels[i]}: ${short(value)} ${data.unit}`));
      picture.append(bar);
      if (radii) {
        const ends = data.truth_known ? [0, radii[i]] : [Math.max(0, value - radii[i]), value + radii[i]];
        const [low, high] = ends.map((end) => py(Math.min(end, above)));
        const [left, right] = [px(i) - wide / 4, px(i) + wide / 4];
        picture.append(svg("path", { d: `M${px(i)} ${low}V${high}M${left} ${high}H${right}`, stroke: style("--ink"), fill: "none" }));
      }
      if (i % every) return;
      const text = data.labels[i].length > 10 ? `${data.labels[i].slice(0, 9)}…` : data.labels[i];
      const turn = names < 40 ? " rotate(-60)" : "";
      picture.append(svg("text", { transform: `translate(${px(i) + 3} ${box.bottom + 13})${turn}`, "text-anchor": turn ? "end" : "middle", "font-size": 9 }, text));
    });
  }

  // ---- the page ------------------------------------------------------------------------------

  function say() {
    const step = data.steps[state.step];
    const time = data.times[state.step];
    const from = `frame ${data.starts[state.start].frame}`;
    const text = step === 0 ? `start, ${from}` : [`step ${step} of ${data.steps[last]}`, time].filter(Boolean).join(", ");
    byId("time").textContent = text;
    byId("step").value = state.step;
    byId("step").setAttribute("aria-valuetext", text);
    byId("particle-title").textContent = `Each particle’s distance ${measured}`;
    for (const row of document.querySelectorAll(".steps tbody tr")) {
      row.classList.toggle("now", Number(row.cells[0].textContent) === step);
    }
  }

  function legend() {
    const colours = palette();
    const byType = byId("colour").value === "type";
    const entries = byType ? data.kinds.names.map((name, k) => [name, colours[k], 1])
      : [["0", RAMP[0], 1], [`${short(chosen().longest)} ${data.unit}`, RAMP.at(-1), 1]];
    if (data.truth_known && ticked("show-truth")) entries.push(["truth", style("--truth"), 0.6]);
    byId("legend").replaceChildren(...entries.map(([name, colour, opacity]) => {
      const item = document.createElement("li");
      const dot = document.createElement("i");
      dot.style.cssText = `background:${colour};opacity:${opacity}`;
      item.append(dot, name);
      return item;
    }));
  }

  function draw() {
    say();
    drawStage();
    if (state.playing && count > MANY) return;
    legend();
    drawSteps();
    drawParticles();
  }

  function choose(step) {
    if (state.playing) play();
    state.step = step;
    draw();
  }

  function play() {
    state.playing = !state.playing;
    byId("play").textContent = state.playing ? "Pause" : "Play";
    byId("play").setAttribute("aria-pressed", String(state.playing));
    const pause = Math.min(700, Math.max(60, 12000 / last));
    const next = () => {
      if (!state.playing) return;
      state.step = (state.step + 1) % (last + 1);
      draw();
      setTimeout(next, pause);
    };
    if (state.playing) next();
    else draw();
  }

  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  }

  function begin() {
    const prefersDark = matchMedia("(prefers-color-scheme: dark)");
    setTheme(prefersDark.matches ? "dark" : "light");
    const switchTo = (theme) => { setTheme(theme); draw(); };
    prefersDark.addEventListener("change", (event) => switchTo(event.matches ? "dark" : "light"));
    byId("theme").addEventListener("click", () => switchTo(dark() ? "light" : "dark"));
    byId("step-title").textContent = data.truth_known ? "Error at each step (MSE)" : "How far it moves (RMS)";
    byId("step").max = last;
    byId("start").append(...data.starts.map((start, k) => new Option(`frame ${start.frame}`, k)));
    byId("start").value = state.start;
    byId("start-choice").hidden = data.starts.length < 2;
    byId("colour").append(
      new Option(data.kinds.names.length > 1 ? "by type" : "one", "type"),
      new Option(data.truth_known ? "by error" : "by distance", "distance"));
    byId("truth-choice").hidden = !data.truth_known;
    byId("bonds-choice").hidden = !data.bonds.length;
    byId("bars-choice").hidden = !bars;
    byId("show-bars").checked = count <= MANY;
    byId("show-bonds").checked = count <= MANY;

    byId("play").addEventListener("click", play);
    byId("step").addEventListener("input", () => choose(Number(byId("step").value)));
    byId("start").addEventListener("change", () => {
      state.start = Number(byId("start").value);
      draw();
    });
    for (const id of ["colour", "show-truth", "show-prediction", "show-bonds", "show-bars", "show-axes"]) {
      byId(id).addEventListener("change", draw);
    }
    const probe = document.createElement("canvas");
    if (probe.getContext("webgl2")) {
      setTheStage();
      fit();
      canvas.addEventListener("pointermove", point);
      byId("reset").addEventListener("click", look);
    } else {
      byId("view").classList.add("message");
      byId("view").textContent = "This browser shows no WebGL, which the 3D view needs; plots and tables work.";
    }
    draw();
    new ResizeObserver(() => {
      if (stage) fit();
      drawSteps();
      drawParticles();
    }).observe(document.querySelector("main"));
  }

  begin();
  document.documentElement.dataset.state = "drawn";
})();
