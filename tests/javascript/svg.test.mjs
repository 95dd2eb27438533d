import assert from "node:assert/strict";
import test from "node:test";

import { SvgPainter } from "../../infomerge/widgets/lens/svg.js";

/** As a canvas gives colors back, for those that are used here; every letter is 6 pixels wide. */
const ruler = () => ({
  font: "",
  style: "#000000",
  set fillStyle(color) {
    this.style = { "#fff": "#ffffff", "rgba(1, 2, 3, 0.5)": "rgba(1, 2, 3, 0.5)" }[color] ?? color;
  },
  get fillStyle() {
    return this.style;
  },
  measureText: (text) => ({ width: 6 * text.length }),
});
const painter = () => new SvgPainter(100, 50, ruler(), (image) => `data:image/jpeg;base64,${image.name}`);
const drawn = (ctx) => ctx.text("t").split("</defs>")[1] ?? ctx.text("t").split("<defs/>")[1];

test("shapes stay shapes, with colors and opacities that SVG 1.1 knows", () => {
  const ctx = painter();
  ctx.fillStyle = "rgba(1, 2, 3, 0.5)";
  ctx.fillRect(1, 2, 3.333, 4);
  ctx.beginPath();
  ctx.rect(0, 0, 10, 10);
  ctx.rect(2, 2, 3, 3);
  ctx.globalAlpha = 0.5;
  ctx.fill("evenodd");
  ctx.strokeStyle = "#fff";
  ctx.lineWidth = 2.5;
  ctx.stroke();
  assert.match(drawn(ctx), /<rect x="1" y="2" width="3\.33" height="4" fill="rgb\(1,2,3\)" fill-opacity="0\.5" shape-rendering="crispEdges"\/>/);
  const path = "M0 0h10v10h-10zM2 2h3v3h-3z";
  assert.ok(drawn(ctx).includes(`<path d="${path}" fill="rgb(1,2,3)" fill-opacity="0.25" fill-rule="evenodd"/>`));
  assert.ok(drawn(ctx).includes(`<path d="${path}" fill="none" stroke="#ffffff" stroke-width="2.5" stroke-opacity="0.5"/>`));
});

test("a circle is two halves around its middle", () => {
  const ctx = painter();
  ctx.beginPath();
  ctx.arc(10, 20, 4);
  assert.equal(ctx.path, "M6 20a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z");
});

test("what is drawn after a translation is moved, and restoring moves back", () => {
  const ctx = painter();
  ctx.save();
  ctx.translate(5, 6);
  ctx.fillRect(0, 0, 1, 1);
  assert.deepEqual(ctx.getTransform(), { a: 2, e: 10, f: 12 });
  ctx.restore();
  ctx.fillRect(0, 0, 1, 1);
  assert.match(drawn(ctx), /<rect x="5" y="6".*\n.*<rect x="0" y="0"/s);
});

test("a clipped part ends where it is restored", () => {
  const ctx = painter();
  for (let i = 0; i < 2; i++) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, 0, 5, 5);
    ctx.clip();
    ctx.fillRect(0, 0, 9, 9);
    ctx.restore();
  }
  const text = ctx.text("t");
  assert.equal(text.match(/<g clip-path="url\(#clip[12]\)">/g).length, 2);
  assert.equal(text.match(/<\/g>/g).length, 2);
  assert.match(text, /<clipPath id="clip1"><path d="M0 0h5v5h-5z"\/><\/clipPath>/);
});

test("a frame is in the file once, however often it is shown, and in its place", () => {
  const ctx = painter();
  const image = { width: 40, height: 20, name: "abc" };
  ctx.drawImage(image, 0, 0, 80, 40);
  ctx.drawImage(image, 10, 20, 20, 10);
  const text = ctx.text("t");
  assert.equal(text.split("data:image/jpeg;base64,abc").length, 2);
  assert.ok(text.includes('<use xlink:href="#frame0" transform="translate(0 0) scale(2 2)"/>'));
  assert.ok(text.includes('<use xlink:href="#frame0" transform="translate(10 20) scale(0.5 0.5)"/>'));
});

test("words stay words, and cannot end their element", () => {
  const ctx = painter();
  ctx.font = '600 16px "DejaVu Sans", sans-serif';
  ctx.fillText('</text> & "more" \u0007', 3, 4);
  assert.ok(drawn(ctx).includes(">&#60;/text&#62; &#38; &#34;more&#34; </text>"));
  assert.match(drawn(ctx), /font-family="&#34;DejaVu Sans&#34;, sans-serif" font-size="16" font-weight="600"/);
  assert.match(ctx.text("<t>"), /<title>&#60;t&#62;<\/title>/);
});

test("a line that is too long is squeezed, as on a canvas", () => {
  const ctx = painter();
  ctx.font = "12px sans-serif";
  ctx.fillText("short", 0, 0, 60);
  assert.ok(!drawn(ctx).includes("textLength"));
  ctx.fillText("a longer line", 0, 0, 60);
  assert.ok(drawn(ctx).includes('textLength="60" lengthAdjust="spacingAndGlyphs"'));
});

test("the middle of a word is over its point where that is asked", () => {
  const ctx = painter();
  ctx.font = "12px sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText("x", 50, 20);
  assert.match(drawn(ctx), /<text x="50" y="24" text-anchor="middle"/);
});
