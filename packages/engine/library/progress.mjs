/** Draws how far a long step is: a bar on a terminal, one line every ten per cent elsewhere. */

const barWidth = 30;
const redrawMs = 100;

/**
 * @typedef {object} Progress
 * @property {(name: string, total: number) => void} start a step of `total` bytes; 0 when the total is unknown
 * @property {(done: number) => void} update bytes done so far in this step
 * @property {() => void} end
 * @property {(line: string) => void} note
 */

/** Says nothing. @type {Progress} */
export const silent = { start() {}, update() {}, end() {}, note() {} };

/** @param {number} bytes @returns {string} in decimal units, as package indexes count */
export function formatBytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(0)} MB`;
  return `${(bytes / 1e3).toFixed(0)} kB`;
}

/**
 * @param {{write: (text: string) => unknown, isTTY?: boolean | undefined}} stream
 * @returns {Progress}
 */
export function createProgress(stream) {
  const live = stream.isTTY === true;
  let name = '';
  let total = 0;
  let shown = -1;
  let drawnAt = 0;
  let open = false;
  /** @param {number} done @param {boolean} force */
  const draw = (done, force) => {
    const share = total > 0 ? Math.min(done / total, 1) : 0;
    const percent = Math.floor(share * 100);
    if (live) {
      const now = Date.now();
      if (!force && now - drawnAt < redrawMs) return;
      drawnAt = now;
      const full = Math.round(share * barWidth);
      const bar = `${'#'.repeat(full)}${'.'.repeat(barWidth - full)}`;
      stream.write(`\r\u001b[K${name} [${bar}] ${percent} % of ${formatBytes(total)}`);
    } else {
      const tenth = Math.floor(percent / 10);
      if (tenth <= shown) return;
      shown = tenth;
      stream.write(`${name}: ${tenth * 10} % of ${formatBytes(total)}\n`);
    }
  };
  return {
    start(stepName, bytes) {
      name = stepName;
      total = bytes;
      shown = -1;
      open = true;
      draw(0, true);
    },
    update: (done) => draw(done, false),
    end() {
      if (!open) return;
      open = false;
      if (live) stream.write('\r\u001b[K');
    },
    note(line) {
      if (live && open) stream.write('\r\u001b[K');
      stream.write(`${line}\n`);
    },
  };
}
