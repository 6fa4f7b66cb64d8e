import { factsTable, formatNumber, type Html, html, reportPage, section } from '@codiff/codiff';
import { lossPlots, runPlots } from './curves.js';
import { PICTURES_SCRIPT, PICTURES_STYLE, picturesSection } from './pictures-section.js';
import type { RunFiles } from './run-files.js';
import type { LogPoint, RunLog } from './run-log.js';

/** What a page about a training run is made from. */
export interface RunPage {
  /** Of the run's folder. */
  readonly name: string;
  readonly log: RunLog;
  readonly files: RunFiles;
  /** Time of making. */
  readonly date: Date;
}

/** The report page of a training run. */
export async function runPage({ name, log, files, date }: RunPage): Promise<string> {
  const { scalars, lastStep, damaged } = log;
  const config = files.configs.map(({ text }) => text).join('\n');
  const monitor = /^\s*monitor:\s*['"]?([\w/]+)/m.exec(config)?.[1] ?? null;
  const losses = lossPlots(scalars, monitor);
  const epoch = scalars.get('epoch')?.at(-1)?.[1];
  return reportPage({
    title: `Training ${name}`,
    lead: /^\s*target:\s*([\w.]+)/m.exec(config)?.[1],
    chips: [
      ['steps', String(lastStep)],
      ...(epoch === undefined ? [] : [['epoch', String(epoch)] as const]),
      ['time', duration(log.seconds)],
      ...rate(scalars),
      ...best(scalars, monitor),
    ],
    sections: [
      section(
        'Losses',
        losses.length === 0
          ? html`<p>Nothing was logged yet.</p>`
          : html`<p class="note">Faint: as logged. Line: smoothed. Dots: means over the validation set. Where values span more than a factor of 30 the axis is logarithmic.</p><div class="plots">${losses}</div>`,
        damaged > 0 &&
          html`<p class="note">${damaged} line${damaged === 1 ? '' : 's'} of the log could not be read and ${damaged === 1 ? 'is' : 'are'} left out (a line is cut off where its writer was stopped).</p>`,
      ),
      section('Learning rate and speed', html`<div class="plots">${runPlots(scalars)}</div>`),
      section(
        'Samples',
        files.pictures.size === 0 ? html`<p>No pictures were logged.</p>` : await picturesSection(files.pictures),
      ),
      section('Checkpoints', checkpoints(files)),
      section('Times and machine', times(log)),
      section(
        'Configuration',
        files.configs.length === 0
          ? html`<p>The folder holds no config.</p>`
          : files.configs.map(
              ({ name, text }) => html`<details><summary>${name}</summary><pre>${text}</pre></details>`,
            ),
      ),
    ],
    style: PICTURES_STYLE,
    script: PICTURES_SCRIPT,
    footer: `Made ${utc(date.getTime())} from log.jsonl and the files beside it. This file holds all that it shows and asks no network.`,
  });
}

function checkpoints({ checkpoints }: RunFiles): Html {
  if (checkpoints.length === 0) return html`<p>There are none.</p>`;
  return factsTable(
    checkpoints.map(({ name, bytes, modified }) => [
      name,
      html`${formatNumber(Number((bytes / 1e6).toPrecision(4)))} MB, ${utc(modified)}`,
    ]),
  );
}

function times({ sessions, span, seconds }: RunLog): Html {
  if (span === null) return html`<p>Nothing was logged yet.</p>`;
  const known: readonly [string, string][] = Object.entries(sessions.at(-1)?.facts ?? {});
  return html`${factsTable([
    ['first line', utc(1000 * span[0])],
    ['last line', utc(1000 * span[1])],
    ['time spent', `${duration(seconds)}, without what lay between processes`],
    ...known,
  ])}${
    sessions.length > 1 &&
    html`<h3>Processes</h3>${factsTable(
      sessions.map(({ step, time, facts }) => [
        `from step ${step}`,
        `${utc(1000 * time)}${facts.device === undefined ? '' : `, ${facts.device}`}`,
      ]),
    )}`
  }`;
}

function best(scalars: RunLog['scalars'], monitor: string | null): [string, string][] {
  const points = (monitor !== null && scalars.get(monitor)) || [];
  const finite = points.filter(([, value]) => Number.isFinite(value));
  if (finite.length === 0) return [];
  const [step, value] = finite.reduce((a, b) => (b[1] < a[1] ? b : a));
  return [[`least ${monitor}`, `${formatNumber(value)} at step ${step}`]];
}

function rate(scalars: RunLog['scalars']): [string, string][] {
  const points: readonly LogPoint[] = scalars.get('speed/images_per_second') ?? [];
  const sorted = points
    .map(([, value]) => value)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  return median === undefined ? [] : [['images/s (median)', formatNumber(Number(median.toPrecision(3)))]];
}

const utc = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** Seconds as a reader wants them. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h} h ${m} min`;
  return m > 0 ? `${m} min ${s} s` : `${s} s`;
}
