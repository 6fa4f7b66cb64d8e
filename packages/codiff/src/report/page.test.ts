import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { expectWellFormed } from '../../test/well-formed.js';
import { html } from './html.js';
import { linePlot } from './line-plot.js';
import { factsTable, reportPage, section } from './page.js';

const HOSTILE = `</script><script>alert(1)</script>"onload='x`;
const plot = linePlot({
  id: 'loss',
  title: HOSTILE,
  x: { label: 'step' },
  y: { label: 'loss', range: [0, 1] },
  series: [
    {
      name: HOSTILE,
      points: [
        [0, 0],
        [1, 0.5],
        [2, Number.NaN],
        [4, 1],
      ],
    },
    { name: 'val', style: 'dots', points: [[2, 0.25]] },
  ],
});

describe('a page', () => {
  const page = reportPage({
    title: HOSTILE,
    lead: HOSTILE,
    chips: [['seed', HOSTILE]],
    sections: [
      section('Curves', plot),
      section(
        HOSTILE,
        factsTable([
          ['x', HOSTILE],
          ['none', undefined],
          ['y', html`<b>1</b>`],
        ]),
      ),
    ],
    footer: HOSTILE,
  });

  it('is well-formed whatever texts it shows, and asks no network', () => {
    expectWellFormed(page);
    expect(page).toContain('default-src &#39;none&#39;');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('none</th>');
    expect(page).toContain('<td><b>1</b></td>');
  });

  it('has scripts that are scripts', () => {
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)];
    expect(scripts).toHaveLength(1);
    expect(() => new Script(scripts[0]![1]!)).not.toThrow();
  });
});

describe('a plot', () => {
  it('draws values where they belong, breaks where there is none, and tells the numbers', () => {
    const data = JSON.parse(/class="plot-data">(.*?)<\/script>/.exec(plot.text)![1]!) as {
      series: { points: [number, number | null][] }[];
    };
    expect(data.series[0]!.points).toEqual([
      [0, 0],
      [1, 0.5],
      [2, null],
      [4, 1],
    ]);
    expect(plot.text).toContain('d="M0 1000L250 500M1000 0"');
    expect(plot.text).toContain('d="M500 750h0"');
  });

  it('may run backwards, and by powers of ten', () => {
    const { text } = linePlot({
      id: 'p',
      title: 'p',
      x: { label: 't', reversed: true },
      y: { label: 'y', scale: 'log' },
      series: [
        {
          name: 'a',
          points: [
            [900, 1],
            [0, 100],
            [450, 10],
            [100, 0],
          ],
        },
      ],
    });
    expect(text).toContain('d="M0 1000L1000 0L500 500"');
    expect(text).not.toContain('class="legend"');
  });

  it('needs no value', () => {
    expect(linePlot({ id: 'e', title: 'e', x: { label: 'x' }, y: { label: 'y' }, series: [] }).text).toContain('<svg');
  });
});
