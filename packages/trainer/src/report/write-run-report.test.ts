import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectWellFormed } from '../../../codiff/test/well-formed.js';
import { encodePng } from '../data/decode-image.js';
import { openJsonLines } from '../log/json-lines.js';
import { SESSION } from './run-log.js';
import { describeSession } from './session.js';
import { writeRunReport } from './write-run-report.js';

const HOSTILE = '</script><script>alert(1)</script>';
let run = '';
beforeAll(async () => {
  run = join(mkdtempSync(join(tmpdir(), 'run-report-')), `<b>run`);
  for (const folder of ['checkpoints/trainstep_checkpoints', 'configs', 'images/train', 'images/val']) {
    mkdirSync(join(run, folder), { recursive: true });
  }
  writeFileSync(join(run, 'checkpoints/last.ckpt'), 'x'.repeat(2_500_000));
  writeFileSync(join(run, 'checkpoints/trainstep_checkpoints/epoch=0-step=2.ckpt'), 'x');
  writeFileSync(
    join(run, 'configs/2026-project.yaml'),
    `model:\n  target: ldm.X\n  params:\n    monitor: val/loss # ${HOSTILE}\n`,
  );
  const png = await encodePng({ values: new Uint8Array(8 * 8 * 3), width: 8, height: 8, channels: 3 });
  for (let step = 1; step <= 9; step++) {
    writeFileSync(join(run, `images/train/samples_gs-00000${step}_e-000000_b-00000${step}.png`), png);
  }
  writeFileSync(join(run, 'images/val/inputs_gs-000001_e-000000_b-000001.png'), 'no PNG');
  const log = await openJsonLines(join(run, 'log.jsonl'), { step: 0 });
  await log.text(0, SESSION, describeSession({ device: HOSTILE }));
  for (let step = 1; step <= 5; step++) {
    await log.scalars(step, { 'train/loss': 1 / step, [HOSTILE]: step, epoch: 0, 'lr-AdamW': 1e-4 });
  }
  await log.scalars(5, { 'val/loss': 0.25 });
  await log.close();
});
afterAll(() => rmSync(join(run, '..'), { recursive: true }));

it('is made from the log and the files beside it, in one file', async () => {
  expect(await writeRunReport(run)).toBe(join(run, 'report.html'));
  const page = readFileSync(join(run, 'report.html'), 'utf8');
  expectWellFormed(page);
  expect(page).not.toContain('<script>alert');
  expect(page).toContain('<title>Training &lt;b&gt;run</title>');
  expect(page).toContain('least val/loss <b>0.25 at step 5</b>');
  expect(page).toContain('<th scope="row">checkpoints/last.ckpt</th><td>2.5 MB');
  expect(page.match(/at step \d">/g)).toEqual([1, 3, 4, 6, 7, 9].map((step) => `at step ${step}">`));
  expect(page).toMatch(/Not decoded: .*inputs_gs-000001/);
  expect(readdirSync(run).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('is made from the log alone, cut off as it may be', async () => {
  const alone = join(run, '..', 'alone.jsonl');
  writeFileSync(alone, readFileSync(join(run, 'log.jsonl')));
  appendFileSync(alone, '{"step":6,"time":17');
  const out = join(run, '..', 'alone.html');
  expect(await writeRunReport(alone, out)).toBe(out);
  const page = readFileSync(out, 'utf8');
  expectWellFormed(page);
  expect(page).toContain('1 line of the log could not be read');
  expect(page).toContain('There are none.');
});

it('needs a log', async () => {
  await expect(writeRunReport(join(run, 'nowhere'))).rejects.toThrow(/nowhere\/log\.jsonl: there is no such log; name/);
});
