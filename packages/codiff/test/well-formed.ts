import { expect } from 'vitest';

const VOID = new Set(['meta', 'img', 'input', 'br']);

/**
 * Expect a document whose tags are closed in order, whose attributes are quoted, whose ids are unique, and which names no address.
 * Raw text (styles, scripts) ends where HTML ends it: at its first closing tag.
 */
export function expectWellFormed(page: string): void {
  expect(page.startsWith('<!DOCTYPE html>\n')).toBe(true);
  const open: string[] = [];
  const ids: string[] = [];
  let at = page.indexOf('<html');
  while (at < page.length) {
    const next = page.indexOf('<', at);
    if (next < 0) break;
    expect(page.slice(at, next), 'text between tags').not.toMatch(/>|&(?!(amp|lt|gt|quot|#39);)/);
    const tag = /^<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<]*")?)*)\s*(\/?)>/.exec(page.slice(next));
    if (tag === null) throw new Error(`not a tag: ${page.slice(next, next + 80)}`);
    const [all, closing = '', name = '', attributes = '', selfClosing = ''] = tag;
    at = next + all.length;
    for (const [, id] of attributes.matchAll(/\sid="([^"]*)"/g)) ids.push(id!);
    if (closing) {
      expect(open.pop(), `closed by ${all}`).toBe(name);
    } else if (!VOID.has(name) && !selfClosing) {
      if (name === 'script' || name === 'style') at = page.indexOf(`</${name}`, at);
      open.push(name);
    }
  }
  expect(open).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  expectSelfContained(page);
}

/** Expect that a page names no address but those of XML, and loads nothing. */
export function expectSelfContained(page: string): void {
  const rest = page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '');
  expect(rest).not.toMatch(/https?:|\/\/[a-z0-9-]+\.[a-z]/i);
  expect(rest).not.toMatch(/<(link|iframe|object|embed|base|form)\b|@import|<script[^>]*\bsrc=/i);
  for (const [, address] of rest.matchAll(/\b(?:src|href)="([^"]*)"/g)) expect(address!.slice(0, 5)).toBe('data:');
  expect(rest).not.toMatch(/url\((?!["']?data:)/);
}
