import { describe, expect, it } from 'vitest';
import { InputError } from '../input-error.js';
import { checkPrompt, promptFolder } from './prompt.js';

describe('prompts', () => {
  it.each(['This man has beard.', 'Café, naïve, Łódź', '30', 'x'])('%s is read', (text) => {
    expect(() => checkPrompt('input_text', text)).not.toThrow();
  });

  it.each([
    ['', /--input_text is empty; wanted a sentence/],
    ['  \n', /is empty/],
    ['?!', /'\?!' holds no word/],
    ['🙂', /holds no word/],
    ['Мужчина', /holds 'М', and the model has only read English/],
    ['a man 男', /holds '男'/],
    ['ένας άνδρας', /holds 'έ'/],
  ])('%j is refused', (text, message) => {
    expect(() => checkPrompt('input_text', text)).toThrow(InputError);
    expect(() => checkPrompt('input_text', text)).toThrow(message);
  });

  it('name a folder, case and dot kept', () => {
    expect(promptFolder('outputs/x', 'He is in His thirties.')).toBe('outputs/x/He is in His thirties.');
    expect(promptFolder('outputs/x', 'his/her beard')).toBe('outputs/x/his/her beard');
  });

  it.each(['../x', 'a/../..', '.', '/..', 'a\0b'])('%j names none outside', (text) => {
    expect(() => promptFolder('outputs/x', text)).toThrow(/would lead out of the folder outputs\/x/);
  });

  it('are told in one line where they have several', () => {
    expect(() => promptFolder('outputs/x', '..\r\nA\nman/../../..')).toThrow(/^--input_text '\.\. A man\/.*$/);
  });

  it('are as long as a folder name can be', () => {
    expect(promptFolder('o', 'a'.repeat(255))).toHaveLength(257);
    expect(() => promptFolder('o', 'a'.repeat(10_000))).toThrow(
      /10000 characters .* 255 bytes .* wanted a shorter text/,
    );
    expect(() => promptFolder('o', 'é'.repeat(200))).toThrow(/200 characters .*has 400/);
    expect(() => promptFolder('o', 'a/'.repeat(5000))).toThrow(
      /10000 characters .* 4000 bytes .* wanted a shorter text/,
    );
  });
});
