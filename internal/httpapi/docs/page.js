'use strict';
// Renders the OpenAPI document beside this page and lets its operations be tried. Everything from the document goes into the page as text.
const base = location.pathname.replace(/\/docs\/?$/, '');
let doc;

function el(tag, attrs, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs || {})) {
    if (name === 'class') node.className = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

function resolve(schema) {
  for (let n = 0; schema && schema.$ref && n < 16; n++) schema = doc.components.schemas[schema.$ref.split('/').pop()];
  return schema || {};
}

function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type || 'any';
  if (type.startsWith('array')) return 'list of ' + typeOf(schema.items);
  return schema.format ? type + ' (' + schema.format + ')' : type;
}

function limits(schema) {
  const said = [];
  const names = { minLength: 'at least %s characters', maxLength: 'at most %s characters', minimum: '≥ %s', maximum: '≤ %s', minItems: 'at least %s items',
    maxItems: 'at most %s items', pattern: 'matches %s', default: '%s if left out' };
  for (const [name, text] of Object.entries(names)) if (schema[name] !== undefined) said.push(text.replace('%s', schema[name]));
  if (schema.enum) said.push('one of ' + schema.enum.join(', '));
  return said.join('; ');
}

function example(schema, depth) {
  if (schema && schema.examples && schema.examples.length) return schema.examples[0];
  schema = resolve(schema);
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (depth > 6) return null;
  if (type === 'object' || schema.properties) {
    const out = {};
    for (const name of schema.required || []) if (schema.properties && schema.properties[name]) out[name] = example(schema.properties[name], depth + 1);
    return out;
  }
  if (type === 'array') return [example(schema.items, depth + 1)];
  return { string: '', integer: 0, number: 0, boolean: false }[type] ?? null;
}

function fields(schema, prefix, depth, rows) {
  const whole = resolve(schema);
  for (const [name, property] of Object.entries(whole.properties || {})) {
    const inner = resolve(property);
    const path = prefix + name;
    rows.push(el('tr', {}, el('td', {}, el('code', {}, path)), el('td', {}, typeOf(property)),
      el('td', {}, (whole.required || []).includes(name) ? 'yes' : ''), el('td', {}, [inner.description, limits(inner)].filter(Boolean).join(' · '))));
    if (depth < 4) {
      if (inner.properties) fields(inner, path + '.', depth + 1, rows);
      else if (inner.items) fields(inner.items, path + '[].', depth + 1, rows);
    }
  }
  return rows;
}

function schemaTable(schema) {
  const rows = fields(schema, '', 0, []);
  if (!rows.length) return el('p', {}, typeOf(schema));
  return table(['field', 'type', 'always', ''], rows);
}

function table(heads, rows) {
  return el('table', {}, el('thead', {}, el('tr', {}, ...heads.map((h) => el('th', {}, h)))), el('tbody', {}, ...rows));
}

function jsonOf(content) {
  return content && Object.entries(content).find(([type]) => type.includes('json'));
}

function tryForm(method, path, op) {
  const inputs = [];
  const form = el('form', {});
  for (const p of op.parameters || []) {
    const input = el('input', { name: p.name, placeholder: limits(p.schema || {}) });
    if (p.required) input.required = true;
    inputs.push([p, input]);
    form.append(el('label', {}, p.in + ' ' + p.name, input));
  }
  const body = op.requestBody && jsonOf(op.requestBody.content);
  const text = body && el('textarea', { 'aria-label': 'Body', spellcheck: 'false' });
  if (text) {
    text.value = JSON.stringify(example(body[1].schema, 0), null, 2);
    form.append(el('label', {}, 'body', text));
  }
  const output = el('pre', { class: 'hidden', 'aria-live': 'polite' });
  form.append(el('button', { type: 'submit' }, 'Send'), output);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    output.classList.remove('hidden');
    output.textContent = '…';
    output.textContent = await send(method, path, inputs, text);
  });
  return form;
}

async function send(method, path, inputs, text) {
  const headers = {};
  const query = new URLSearchParams();
  const token = document.getElementById('token').value.trim();
  if (token) headers.Authorization = 'Bearer ' + token;
  for (const [p, input] of inputs) {
    if (input.value === '') continue;
    if (p.in === 'path') path = path.replace('{' + p.name + '}', encodeURIComponent(input.value));
    else if (p.in === 'query') query.set(p.name, input.value);
    else if (p.in === 'header') headers[p.name] = input.value;
  }
  if (text) headers['Content-Type'] = 'application/json';
  const target = base + path + (query.size ? '?' + query : '');
  try {
    const answer = await fetch(target, { method: method.toUpperCase(), headers, body: text ? text.value : undefined });
    let content = await answer.text();
    try { content = JSON.stringify(JSON.parse(content), null, 2); } catch { /* not JSON: shown as it came */ }
    const shown = [...answer.headers].map(([name, value]) => name + ': ' + value).join('\n');
    return answer.status + ' ' + answer.statusText + '\n' + shown + '\n\n' + content;
  } catch (error) {
    return 'The request could not be sent: ' + error.message;
  }
}

function operation(method, path, op) {
  const inside = el('div', {});
  const whole = el('details', { id: op.operationId, 'data-text': [method, path, op.operationId, op.summary].join(' ').toLowerCase() },
    el('summary', {}, el('span', { class: 'method ' + method }, method.toUpperCase()), el('span', { class: 'path' }, path), ' ', op.summary || ''), inside);
  // Filled when first opened: a page of fifty operations is otherwise slow to show.
  whole.addEventListener('toggle', () => { if (whole.open && !inside.hasChildNodes()) fill(inside, method, path, op); });
  return whole;
}

function fill(inside, method, path, op) {
  if (op.description) inside.append(el('p', {}, op.description));
  inside.append(el('p', {}, op.security ? 'Needs an access token.' : 'Needs no credential.'));
  if ((op.parameters || []).length) {
    inside.append(el('h3', {}, 'Parameters'), table(['name', 'in', 'type', ''], op.parameters.map((p) => el('tr', {}, el('td', {}, el('code', {}, p.name)),
      el('td', {}, p.in), el('td', {}, typeOf(p.schema)), el('td', {}, [p.required ? 'required' : '', p.description, limits(p.schema || {})].filter(Boolean).join(' · '))))));
  }
  for (const [type, media] of Object.entries((op.requestBody && op.requestBody.content) || {})) {
    inside.append(el('h3', {}, 'Body: ' + type), schemaTable(media.schema));
  }
  for (const [status, response] of Object.entries(op.responses || {})) {
    inside.append(el('h3', {}, status + ' ' + (response.description || '')));
    const found = jsonOf(response.content);
    if (found && Number(status) < 400) inside.append(schemaTable(found[1].schema));
  }
  inside.append(el('h3', {}, 'Try it'), tryForm(method, path, op));
}

function find() {
  const wanted = document.getElementById('find').value.toLowerCase();
  for (const node of document.querySelectorAll('[data-text]')) node.classList.toggle('hidden', !node.dataset.text.includes(wanted));
}

async function main() {
  const about = document.getElementById('about');
  try {
    const answer = await fetch(base + '/openapi.json');
    if (!answer.ok) throw new Error('status ' + answer.status);
    doc = await answer.json();
  } catch (error) {
    about.textContent = 'The document cannot be read: ' + error.message;
    return;
  }
  about.textContent = doc.info.description || '';
  const groups = new Map();
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const tag = (op.tags || ['other'])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([method, path, op]);
    }
  }
  const index = document.getElementById('index');
  const operations = document.getElementById('operations');
  for (const [tag, list] of [...groups].sort()) {
    index.append(el('h2', {}, tag), ...list.map(([method, path, op]) => el('a', { href: '#' + op.operationId, 'data-text': [method, path, op.operationId, op.summary].join(' ').toLowerCase(),
      onclick: () => { document.getElementById(op.operationId).open = true; } }, op.summary || op.operationId)));
    operations.append(el('h2', {}, tag), ...list.map((entry) => operation(...entry)));
  }
  const schemas = el('details', {}, el('summary', {}, 'Schemas'));
  for (const [name, schema] of Object.entries(doc.components.schemas).sort()) schemas.append(el('div', {}, el('h3', {}, name), schemaTable(schema)));
  operations.append(el('h2', {}, 'Schemas'), schemas);
  document.getElementById('find').addEventListener('input', find);
  if (location.hash) {
    const chosen = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (chosen) { chosen.open = true; chosen.scrollIntoView(); }
  }
}

main();
