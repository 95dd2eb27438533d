/**
 * A painter that writes SVG: what is drawn with it stays lines, shapes and text; only the frames are pictures.
 *
 * @typedef {Object} Ruler what a canvas's context is needed for all the same
 * @property {string} font
 * @property {string | CanvasGradient | CanvasPattern} fillStyle gives a color back as #rrggbb or rgba(r, g, b, a)
 * @property {(text: string) => {width: number}} measureText
 */

/** @param {number} value */
const short = (value) => String(Math.round(value * 100) / 100);

/** @param {string} text */
function escaped(text) {
  // XML allows no control characters, not even escaped ones.
  const allowed = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
  return allowed.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** @param {string} name @param {Record<string, string | number | undefined>} attributes @param {string} [inside] */
function tag(name, attributes, inside = "") {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? short(value) : escaped(String(value))}"`);
  return `<${name}${written.join("")}${inside ? `>${inside}</${name}>` : "/>"}`;
}

/** The part of a canvas's context that the lens draws with; `text` is the finished file. */
export class SvgPainter {
  /** @type {string | CanvasGradient | CanvasPattern} */
  fillStyle = "#000";
  /** @type {string | CanvasGradient | CanvasPattern} */
  strokeStyle = "#000";
  lineWidth = 1;
  /** @type {CanvasLineCap} */
  lineCap = "butt";
  globalAlpha = 1;
  font = "10px sans-serif";
  /** @type {CanvasTextAlign} */
  textAlign = "start";
  /** @type {CanvasTextBaseline} */
  textBaseline = "alphabetic";
  /** @type {ImageSmoothingQuality} */
  imageSmoothingQuality = "high";

  /**
   * @param {number} width @param {number} height
   * @param {Ruler} ruler @param {(image: ImageBitmap) => string} encode a frame as a data: address
   */
  constructor(width, height, ruler, encode) {
    this.width = width;
    this.height = height;
    this.ruler = ruler;
    this.encode = encode;
    /** @type {string[]} */
    this.parts = [];
    /** @type {string[]} */
    this.definitions = [];
    /** @type {Map<ImageBitmap, string>} */
    this.images = new Map();
    this.clips = 0;
    /** @type {{x: number, y: number, groups: number, alpha: number, lineCap: CanvasLineCap}[]} */
    this.saved = [];
    this.offset = { x: 0, y: 0 };
    this.groups = 0;
    this.path = "";
  }

  save() {
    const { globalAlpha: alpha, lineCap } = this;
    this.saved.push({ ...this.offset, groups: this.groups, alpha, lineCap });
    this.groups = 0;
  }

  restore() {
    const state = this.saved.pop();
    if (!state) return;
    this.parts.push("</g>".repeat(this.groups));
    this.offset = { x: state.x, y: state.y };
    this.groups = state.groups;
    this.globalAlpha = state.alpha;
    this.lineCap = state.lineCap;
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.offset = { x: this.offset.x + x, y: this.offset.y + y };
  }

  /** Boxes are put on half pixels, as on a screen of twice the density. */
  getTransform() {
    return { a: 2, e: 2 * this.offset.x, f: 2 * this.offset.y };
  }

  beginPath() {
    this.path = "";
  }

  /** @param {number} x @param {number} y */
  at(x, y) {
    return `${short(this.offset.x + x)} ${short(this.offset.y + y)}`;
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${this.at(x, y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `L${this.at(x, y)}`;
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.path += `M${this.at(x, y)}h${short(width)}v${short(height)}h${short(-width)}z`;
  }

  /** A whole circle, the only arc that is drawn. @param {number} x @param {number} y @param {number} radius */
  arc(x, y, radius) {
    const [r, across] = [short(radius), short(2 * radius)];
    this.path += `M${this.at(x - radius, y)}a${r} ${r} 0 1 0 ${across} 0a${r} ${r} 0 1 0 -${across} 0z`;
  }

  /** A color and an opacity, which SVG keeps apart. @param {typeof this.fillStyle} style */
  color(style) {
    this.ruler.fillStyle = style;
    const plain = String(this.ruler.fillStyle);
    const rgba = /^rgba\((\d+), (\d+), (\d+), ([\d.e-]+)\)$/.exec(plain);
    const opacity = this.globalAlpha * (rgba ? Number(rgba[4]) : 1);
    const color = rgba ? `rgb(${rgba.slice(1, 4).join(",")})` : plain;
    return { color, opacity: opacity < 1 ? opacity : undefined };
  }

  /** @param {CanvasFillRule} [rule] */
  fill(rule) {
    const { color, opacity } = this.color(this.fillStyle);
    this.parts.push(tag("path", { d: this.path, fill: color, "fill-opacity": opacity, "fill-rule": rule }));
  }

  stroke() {
    const { color, opacity } = this.color(this.strokeStyle);
    const cap = this.lineCap === "butt" ? undefined : this.lineCap;
    const line = { stroke: color, "stroke-width": this.lineWidth, "stroke-opacity": opacity, "stroke-linecap": cap };
    this.parts.push(tag("path", { d: this.path, fill: "none", ...line }));
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) {
    const { color, opacity } = this.color(this.fillStyle);
    const place = { x: this.offset.x + x, y: this.offset.y + y, width, height };
    // Smoothed edges of cells that meet would let through what lies below.
    const crisp = { "shape-rendering": "crispEdges" };
    this.parts.push(tag("rect", { ...place, fill: color, "fill-opacity": opacity, ...crisp }));
  }

  clip() {
    const id = `clip${(this.clips += 1)}`;
    this.definitions.push(tag("clipPath", { id }, tag("path", { d: this.path })));
    this.parts.push(`<g clip-path="url(#${id})">`);
    this.groups += 1;
  }

  /**
   * Each picture is in the file once.
   * @param {ImageBitmap} image @param {number} x @param {number} y @param {number} width @param {number} height
   */
  drawImage(image, x, y, width, height) {
    let id = this.images.get(image);
    if (id === undefined) {
      id = `frame${this.images.size}`;
      this.images.set(image, id);
      const size = { width: image.width, height: image.height, preserveAspectRatio: "none" };
      this.definitions.push(tag("image", { id, ...size, "xlink:href": this.encode(image) }));
    }
    const scale = `scale(${width / image.width} ${height / image.height})`;
    this.parts.push(tag("use", { "xlink:href": `#${id}`, transform: `translate(${this.at(x, y)}) ${scale}` }));
  }

  /** @param {string} text */
  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  /** @param {string} text @param {number} x @param {number} y @param {number} [most] the greatest width */
  fillText(text, x, y, most = Infinity) {
    const [, weight, size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    // Not every reader of SVG knows dominant-baseline: the middle of a line of text is a third of it above its base.
    const drop = this.textBaseline === "middle" ? Number(size) / 3 : 0;
    const { color, opacity } = this.color(this.fillStyle);
    const squeezed = this.measureText(text).width > most ? { textLength: most, lengthAdjust: "spacingAndGlyphs" } : {};
    const anchor = this.textAlign === "center" ? "middle" : undefined;
    const place = { x: this.offset.x + x, y: this.offset.y + y + drop, "text-anchor": anchor, ...squeezed };
    const face = { "font-family": family, "font-size": Number(size), "font-weight": weight };
    // Without it, spaces beside each other would become one.
    const spaces = { "xml:space": "preserve" };
    this.parts.push(tag("text", { ...place, ...face, ...spaces, fill: color, "fill-opacity": opacity }, escaped(text)));
  }

  /** The file, as it stands now. @param {string} title */
  text(title) {
    const { width, height } = this;
    const root = {
      xmlns: "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink",
      width, height, viewBox: `0 0 ${short(width)} ${short(height)}`,
    };
    const head = tag("title", {}, escaped(title)) + tag("defs", {}, this.definitions.join(""));
    const inside = head + this.parts.join("\n");
    return `<?xml version="1.0" encoding="UTF-8"?>\n${tag("svg", root, inside)}\n`;
  }
}
