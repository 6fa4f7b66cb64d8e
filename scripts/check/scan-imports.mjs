/**
 * Finds the module specifiers of a TypeScript or JavaScript source without a parser: comments are blanked, strings are
 * kept as whole tokens, and what is left is matched against the few forms an import can take.
 */

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {boolean} typeOnly erased by the compiler: `import type`, `export type`, or braces holding only `type` names
 * @property {number} line counted from 1
 */

/**
 * Replaces comments by spaces, and strings and templates by numbered marks, so that words inside them are never read
 * as code. Line breaks are kept.
 * @param {string} source
 * @returns {{code: string, strings: string[]}} a string literal is written as `"3"`: its index in `strings`
 */
export function stripSource(source) {
  /** @type {string[]} */
  const strings = [];
  let code = '';
  let i = 0;
  const blank = (/** @type {string} */ text) => text.replace(/[^\n]/g, ' ');
  while (i < source.length) {
    const two = source.slice(i, i + 2);
    const char = source[i];
    if (two === '//' || (i === 0 && two === '#!')) {
      const end = source.indexOf('\n', i);
      i = end < 0 ? source.length : end;
    } else if (two === '/*') {
      const end = source.indexOf('*/', i + 2);
      const stop = end < 0 ? source.length : end + 2;
      code += blank(source.slice(i, stop)) || ' ';
      i = stop;
    } else if (char === '/' && regexMayStart(code)) {
      const match = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/.exec(source.slice(i));
      if (match) {
        code += '0';
        i += match[0].length;
      } else {
        code += char;
        i += 1;
      }
    } else if (char === '"' || char === "'") {
      let end = i + 1;
      while (end < source.length && source[end] !== char && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1;
      code += `"${strings.push(source.slice(i + 1, end)) - 1}"`;
      i = end + 1;
    } else if (char === '`') {
      const { end, inner } = readTemplate(source, i);
      code += `"${strings.push(inner) - 1}"${'\n'.repeat(source.slice(i, end).split('\n').length - 1)}`;
      // The code inside ${...} is code: scan it too, as statements of its own.
      for (const hole of templateHoles(source.slice(i + 1, end - 1))) {
        const nested = stripSource(hole);
        code += ` (${nested.code.replace(/"(\d+)"/g, (_, n) => `"${Number(n) + strings.length}"`)}) `.replace(
          /\n/g,
          ' ',
        );
        strings.push(...nested.strings);
      }
      i = end;
    } else {
      code += char;
      i += 1;
    }
  }
  return { code, strings };
}

/** A slash begins a regular expression unless the token before it ends a value. @param {string} code */
function regexMayStart(code) {
  const before = code.trimEnd();
  if (before === '') return true;
  if (/(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/.test(before)) return true;
  return !/[\w$)\]}"]$/.test(before);
}

/**
 * @param {string} source
 * @param {number} start index of the opening back-quote
 * @returns {{end: number, inner: string}} end is past the closing back-quote
 */
function readTemplate(source, start) {
  let i = start + 1;
  while (i < source.length && source[i] !== '`') {
    if (source[i] === '\\') i += 2;
    else if (source.startsWith('${', i)) i = closeBrace(source, i + 2);
    else i += 1;
  }
  return { end: Math.min(i + 1, source.length), inner: source.slice(start + 1, i) };
}

/** @param {string} source @param {number} start just inside an open brace @returns {number} just past its closing one */
function closeBrace(source, start) {
  let depth = 1;
  let i = start;
  while (i < source.length && depth > 0) {
    const char = source[i];
    if (char === '`') i = readTemplate(source, i).end;
    else if (char === '"' || char === "'") {
      i += 1;
      while (i < source.length && source[i] !== char) i += source[i] === '\\' ? 2 : 1;
      i += 1;
    } else {
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      i += 1;
    }
  }
  return i;
}

/** @param {string} template the text between back-quotes @returns {string[]} the code of each ${...} */
function templateHoles(template) {
  const holes = [];
  for (let i = 0; i < template.length; ) {
    if (template[i] === '\\') i += 2;
    else if (template.startsWith('${', i)) {
      const end = closeBrace(template, i + 2);
      holes.push(template.slice(i + 2, end - 1));
      i = end;
    } else i += 1;
  }
  return holes;
}

const fromClause =
  /(?<![\w$.])(import|export)(\s+type(?=\s*[{*\w$]))?\s*((?:[\w$\s,*]|\{[^{}]*\})*?)\s*from\s*"(\d+)"/g;
const bareImport = /(?<![\w$.])import\s*"(\d+)"/g;
const dynamicImport = /(?<![\w$.])(?:import|require)\s*\(\s*"(\d+)"\s*[,)]/g;
const importType = /(?<![\w$.])import\s*\(\s*"(\d+)"\s*\)\s*\.\s*[A-Z]/g;

/**
 * @param {string} source TypeScript or JavaScript
 * @returns {Import[]} in order of appearance
 */
export function scanImports(source) {
  const { code, strings } = stripSource(source);
  /** @type {(Import & {index: number})[]} */
  const found = [];
  /** @param {number} index @param {string} mark @param {boolean} typeOnly */
  const add = (index, mark, typeOnly) => {
    const specifier = strings[Number(mark)];
    if (specifier === undefined) return;
    found.push({ specifier, typeOnly, line: code.slice(0, index).split('\n').length, index });
  };
  for (const match of code.matchAll(fromClause)) {
    const [, , typeWord, clause = '', mark = ''] = match;
    // `import type from 'x'` binds a default export called type; the look-ahead above leaves that case to the clause.
    add(match.index, mark, typeWord !== undefined ? clause.trim() !== '' : onlyTypeNames(clause));
  }
  for (const match of code.matchAll(bareImport)) add(match.index, match[1] ?? '', false);
  const erased = new Set([...code.matchAll(importType)].map((match) => match.index));
  for (const match of code.matchAll(dynamicImport)) add(match.index, match[1] ?? '', erased.has(match.index));
  return found
    .sort((a, b) => a.index - b.index)
    .map(({ specifier, typeOnly, line }) => ({ specifier, typeOnly, line }));
}

/** @param {string} clause what stands between `import` and `from` */
function onlyTypeNames(clause) {
  const braces = /^\{([^{}]*)\}$/.exec(clause.trim());
  if (!braces) return false;
  const names = (braces[1] ?? '').split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  return given.length > 0 && given.every((name) => /^type\s+[\w$]/.test(name));
}
