// The picture of a lab and the sentence below it.
//
// The kernel sends the present picture, and, while nobody moves anything, those that may come next. When a control moves,
// a picture that is here already is shown at once; the kernel's answer, the same picture, comes a moment later.

const KEPT = 60;                                    // pictures

async function render({ model, el }) {
  const [width, height] = model.get("size");
  const pictures = [];                              // the latest last
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  words.style.cssText = `margin:4px 8px;max-width:${width}px;min-height:3em;line-height:1.5`;
  el.append(words);
  let shown = null, calls = 0;

  const receive = (about, data) => {
    const image = new Image(width, height);         // its size is known before it is decoded: the page does not jump
    image.src = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    image.alt = about.sentence;
    image.dataset.picture = about.number;
    image.style.cssText = `display:block;width:100%;max-width:${width}px;height:auto` + (about.faded ? ";opacity:.3" : "");
    const ready = image.decode().catch(() => {}).then(() => URL.revokeObjectURL(image.src));
    const old = pictures.findIndex(p => p.era === about.era && same(p.at, about.at));
    if (old >= 0) pictures.splice(old, 1);
    pictures.push({ ...about, image, ready });
    if (pictures.length > KEPT) pictures.shift();
    return pictures.at(-1);
  };

  const show = async picture => {
    const call = ++calls;
    await picture.ready;
    if (shown && call < shown.call) return;         // a later one was ready sooner
    if (shown) shown.image.replaceWith(picture.image);
    else el.prepend(picture.image);
    words.textContent = picture.sentence;
    shown = { ...picture, call };
    name(el.closest(".metalib-lab"));
  };

  const alike = (a, b) => ["number", "size", "faded", "sentence"].every(what => a[what] === b?.[what]);
  const same = (a, b) => a.every((v, i) => Math.abs(v - b[i]) < 1e-9);
  const now = () => controls.map(c => Number(c.get("index") ?? c.get("value")));
  const fits = picture => picture.era === model.get("about").era && same(picture.at, now());

  const moved = () => {
    const picture = pictures.find(fits);
    if (picture && !alike(picture, shown)) show(picture);
  };
  const answered = () => {
    const about = model.get("about");
    if (alike(about, shown)) return;
    const late = shown && fits(shown) && !same(about.at, now());      // the control has moved on, and its picture is here
    const picture = receive(about, model.get("picture"));
    if (!late) show(picture);
  };
  const ahead = (about, buffers) => receive(about, buffers[0]);

  const controls = await Promise.all(model.get("controls").map(id => model.widget_manager.get_model(id.replace("IPY_MODEL_", ""))));
  answered();
  model.on("change:about", answered);
  model.on("msg:custom", ahead);
  for (const control of controls) control.on("change:value change:index", moved);
  return () => {
    model.off("change:about", answered);
    model.off("msg:custom", ahead);
    for (const control of controls) control.off("change:value change:index", moved);
  };
}

// Sliders come without an accessible name: each takes the text of its visible label.
function name(lab) {
  for (const control of lab?.querySelectorAll(".widget-slider, .widget-toggle-buttons") ?? []) {
    const label = control.querySelector(".widget-label")?.textContent, named = control.querySelector("[role=slider]") ?? control;
    if (label) named.setAttribute("aria-label", label);
    if (named === control) named.setAttribute("role", "group");
  }
}

export default { render };
