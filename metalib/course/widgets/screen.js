// The picture of a lab and the sentence below it.
//
// The kernel sends the present picture, and, while nobody moves anything, those that may come next. When a control moves,
// a picture that is here already is shown at once; the kernel's answer, the same picture, comes a moment later.

const same = (a, b) => a.every((v, i) => Math.abs(v - b[i]) < 1e-9);
const alike = (a, b) => ["number", "size", "faded", "sentence"].every(what => a[what] === b?.[what]);

export default () => {
  const pictures = [];                              // the latest last

  function receive(model, about, data) {
    const [width, height] = model.get("size");
    const image = new Image(width, height);         // its size is known before it is decoded: the page does not jump
    image.src = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    image.alt = about.sentence;
    image.dataset.picture = about.number;
    image.style.cssText = `display:block;width:100%;max-width:${width}px;height:auto` + (about.faded ? ";opacity:.3" : "");
    const picture = { ...about, image, ready: image.decode().catch(() => {}) };      // what cannot be decoded shows its sentence
    if (!about.kept) {
      picture.ready.then(() => URL.revokeObjectURL(image.src));
      return picture;
    }
    const before = pictures.findIndex(p => p.era === about.era && same(p.at, about.at));
    if (before >= 0 || pictures.length === model.get("room")) URL.revokeObjectURL(pictures.splice(Math.max(before, 0), 1)[0].image.src);
    pictures.push(picture);
    return picture;
  }

  function initialize({ model }) {
    model.on("msg:custom", (about, [data]) => receive(model, about, data));
  }

  async function render({ model, el }) {
    const words = document.createElement("p");
    words.setAttribute("role", "status");
    words.style.cssText = `margin:4px 8px;max-width:${model.get("size")[0]}px;min-height:3em;line-height:1.5`;
    el.append(words);
    let shown = null, calls = 0;

    async function show(picture) {
      const call = ++calls;
      await picture.ready;
      if (shown && call < shown.call) return;       // a later one was ready sooner
      const image = picture.image.isConnected ? picture.image.cloneNode() : picture.image;       // the lab may be on the page twice
      if (shown) shown.image.replaceWith(image);
      else el.prepend(image);
      words.textContent = picture.sentence;
      shown = { ...picture, image, call };
      name(el.closest(".metalib-lab"));
    }

    const controls = await Promise.all(model.get("controls").map(id => model.widget_manager.get_model(id.replace("IPY_MODEL_", ""))));
    const now = () => controls.map(control => Number(control.get("index") ?? control.get("value")));
    const fits = picture => picture.era === model.get("about").era && same(picture.at, now());

    function moved() {
      const picture = pictures.find(fits);
      if (picture && !alike(picture, shown)) show(picture);
    }
    function answered() {
      const about = model.get("about");
      if (alike(about, shown)) return;
      const late = shown && fits(shown) && !same(about.at, now());      // the control has moved on, and its picture is here
      const picture = receive(model, about, model.get("picture"));
      if (!late) show(picture);
    }
    answered();
    model.on("change:about", answered);
    for (const control of controls) control.on("change:value change:index", moved);
    return () => {
      model.off("change:about", answered);
      for (const control of controls) control.off("change:value change:index", moved);
    };
  }
  return { initialize, render };
};

// Sliders come without an accessible name: each takes the text of its visible label.
function name(lab) {
  for (const control of lab?.querySelectorAll(".widget-slider, .widget-toggle-buttons") ?? []) {
    const label = control.querySelector(".widget-label")?.textContent, named = control.querySelector("[role=slider]") ?? control;
    if (label) named.setAttribute("aria-label", label);
    if (named === control) named.setAttribute("role", "group");
  }
}
