import assert from "node:assert/strict";
import test from "node:test";

import { readState, StaticModel } from "../../infomerge/widgets/static_page.js";

test("the state of a page is JSON whose bytes are base64", () => {
  const state = readState('{"frame": 3, "pinned": null, "data": {"images": [{"base64": "AQID/w=="}], "title": "a"}}');
  const [image] = state.data.images;
  assert.ok(image instanceof DataView);
  assert.deepEqual([0, 1, 2, 3].map((i) => image.getUint8(i)), [1, 2, 3, 255]);
  assert.deepEqual([state.frame, state.pinned, state.data.title], [3, null, "a"]);
});

test("without a kernel a model holds what it is told", () => {
  const model = new StaticModel({ frame: 0, mode: "overlay" });
  model.on("change:frame", () => assert.fail("there is nobody who could change it"));
  model.set("frame", 7);
  model.save_changes();
  assert.deepEqual([model.get("frame"), model.get("mode")], [7, "overlay"]);
});
