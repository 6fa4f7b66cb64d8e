import { describe, expect, it } from 'vitest';
import { dataUri } from './data-uri.js';
import { escapeHtml, html, jsonData, rawHtml } from './html.js';

const HOSTILE = `</script><img src=x onerror=alert(1)>'"&<!--\u0000\ud800\u2028`;

describe('html', () => {
  it('escapes texts and numbers, and leaves markup', () => {
    expect(html`<p title="${HOSTILE}">${HOSTILE}</p>`.text).toBe(
      `<p title="&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&quot;&amp;&lt;!--\ufffd\ufffd\u2028">` +
        `&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&quot;&amp;&lt;!--\ufffd\ufffd\u2028</p>`,
    );
    expect(html`${[html`<b>${1}</b>`, '<i>']}${rawHtml('<u>')}${false}${undefined}`.text).toBe('<b>1</b>&lt;i&gt;<u>');
    expect(escapeHtml('Größe 😀')).toBe('Größe 😀');
  });

  it('keeps data inside its script element', () => {
    const text = jsonData({ a: HOSTILE, b: [0.1] }).text;
    expect(text).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(text)).toEqual({ a: HOSTILE, b: [0.1] });
  });
});

describe('dataUri', () => {
  it('holds all bytes of a long file', () => {
    const bytes = Uint8Array.from({ length: 70_001 }, (_, i) => i % 251);
    const uri = dataUri('image/png', bytes);
    expect(uri.startsWith('data:image/png;base64,')).toBe(true);
    expect(Uint8Array.from(Buffer.from(uri.split(',')[1]!, 'base64'))).toEqual(bytes);
  });
});
