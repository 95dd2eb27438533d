/** The page's method on a clip with many settings: `node parity.mjs FILE` prints, for tests/test_page_parity.py, what it kept. */

import { readFileSync } from "node:fs";

import { readClip } from "../../infomerge/page/js/clip.js";
import { Method } from "../../infomerge/page/js/method.js";

const { clips, settings } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const out = clips.map((data) => {
  const method = new Method(readClip(data));
  return settings.map((given) => {
    const { segments, budget, isSalient, isContext, owner, requested, statics } = method.run(given);
    const marked = (marks) => [...marks.keys()].filter((i) => marks[i]);
    return {
      segments, budget, requested, salient: marked(isSalient), context: marked(isContext), owner: [...owner],
      static: statics.map(marked),
    };
  });
});
process.stdout.write(JSON.stringify(out));
