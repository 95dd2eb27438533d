/**
 * What has which color in the explorer. A page's theme gives ink and lines, the palette all hues.
 *
 * Curves and their numbers are of hues that can be read on both grounds; fills are pale and never without a line.
 */

import palette from "../../palette.json" with { type: "json" };

/** @param {string} name */
const explorerHue = (name) => /** @type {Record<string, string>} */ (palette.hues)[name];

export const COLORS = {
  salient: explorerHue(palette.roles.salient),
  context: explorerHue(palette.roles.context),
  highlight: explorerHue(palette.roles.highlight),
  uniqueness: explorerHue("green"),
  richness: explorerHue("purple"),
  bandInk: palette.grays.ink,
};
export const BANDS = palette.segments.map(explorerHue);
const CIVIDIS = palette.cividis;

/** The color of a share from 0 to 1 of a heat map's range. @param {number} share */
export function heat(share) {
  const place = Math.min(1, Math.max(0, share)) * (CIVIDIS.length - 1);
  const low = Math.min(CIVIDIS.length - 2, Math.floor(place));
  const part = (/** @type {string} */ color, /** @type {number} */ at) => parseInt(color.slice(at, at + 2), 16);
  const mixed = [1, 3, 5].map((at) => {
    const [one, other] = [part(CIVIDIS[low], at), part(CIVIDIS[low + 1], at)];
    return Math.round(one + (place - low) * (other - one));
  });
  return `rgb(${mixed.join(",")})`;
}
