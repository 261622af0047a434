'use strict';
// Renders the OpenAPI document beside this page and lets its operations be tried. Everything from the document goes into the page as text.
const base = location.pathname.replace(/\/docs\/?$/, '');
let doc;

// What the page itself says. The document's own texts are in English.
const words = {
  en: { email: 'Email', password: 'Password', signIn: 'Sign in', orToken: 'or access token', find: 'Find', signedIn: 'Signed in: what you send carries the token.',
    unsent: 'The request could not be sent: ', unread: 'The document cannot be read: ', needsToken: 'Needs an access token.', needsNothing: 'Needs no credential.',
    parameters: 'Parameters', body: 'Body', errors: 'Errors', problems: 'each a problem of RFC 9457, with a stable code', tryIt: 'Try it', send: 'Send', schemas: 'Schemas',
    field: 'field', type: 'type', always: 'always', name: 'name', in: 'in', required: 'required', yes: 'yes', or: ' or ', listOf: 'list of ', any: 'any', note: '',
    minLength: 'at least %s characters', maxLength: 'at most %s characters', minimum: '≥ %s', maximum: '≤ %s', minItems: 'at least %s items',
    maxItems: 'at most %s items', pattern: 'matches %s', default: '%s if left out', oneOf: 'one of ' },
  'pt-BR': { email: 'E-mail', password: 'Senha', signIn: 'Entrar', orToken: 'ou token de acesso', find: 'Buscar', signedIn: 'Sessão iniciada: o que você enviar leva o token.',
    unsent: 'Não foi possível enviar a requisição: ', unread: 'Não foi possível ler o documento: ', needsToken: 'Exige um token de acesso.', needsNothing: 'Não exige credencial.',
    parameters: 'Parâmetros', body: 'Corpo', errors: 'Erros', problems: 'cada um é um problema da RFC 9457, com um código estável', tryIt: 'Experimente', send: 'Enviar', schemas: 'Esquemas',
    field: 'campo', type: 'tipo', always: 'sempre', name: 'nome', in: 'em', required: 'obrigatório', yes: 'sim', or: ' ou ', listOf: 'lista de ', any: 'qualquer', note: 'As descrições das operações estão em inglês.',
    minLength: 'no mínimo %s caracteres', maxLength: 'no máximo %s caracteres', minimum: '≥ %s', maximum: '≤ %s', minItems: 'no mínimo %s itens',
    maxItems: 'no máximo %s itens', pattern: 'no formato %s', default: '%s se omitido', oneOf: 'um de ' },
};
let language = navigator.language.toLowerCase().startsWith('pt') ? 'pt-BR' : 'en';
const say = (key) => words[language][key];
const byID = (id) => document.getElementById(id);

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
  const type = Array.isArray(schema.type) ? schema.type.join(say('or')) : schema.type || say('any');
  if (type.startsWith('array')) return say('listOf') + typeOf(schema.items);
  return schema.format ? type + ' (' + schema.format + ')' : type;
}

function limits(schema) {
  const said = [];
  for (const name of ['minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'pattern', 'default']) {
    if (schema[name] !== undefined) said.push(say(name).replace('%s', () => schema[name]));
  }
  if (schema.enum) said.push(say('oneOf') + schema.enum.join(', '));
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
  return { string: '', integer: schema.minimum ?? 0, number: schema.minimum ?? 0, boolean: false }[type] ?? null;
}

function fields(schema, prefix, depth, rows) {
  const whole = resolve(schema);
  for (const [name, property] of Object.entries(whole.properties || {})) {
    const inner = resolve(property);
    const path = prefix + name;
    rows.push(el('tr', {}, el('td', {}, el('code', {}, path)), el('td', {}, typeOf(property)),
      el('td', {}, (whole.required || []).includes(name) ? say('yes') : ''), el('td', {}, [inner.description, limits(inner)].filter(Boolean).join(' · '))));
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
  return table([say('field'), say('type'), say('always'), ''], rows);
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
  const text = body && el('textarea', { 'aria-label': say('body'), spellcheck: 'false' });
  if (text) {
    text.value = JSON.stringify(example(body[1].schema, 0), null, 2);
    form.append(el('label', {}, say('body'), text));
  }
  const output = el('pre', { class: 'hidden', 'aria-live': 'polite' });
  form.append(el('button', { type: 'submit' }, say('send')), output);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    output.classList.remove('hidden');
    output.textContent = '…';
    output.textContent = await send(method, path, inputs, text);
  });
  return form;
}

async function send(method, path, inputs, text) {
  const headers = { 'Accept-Language': language };
  const query = new URLSearchParams();
  const token = byID('token').value.trim();
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
    try {
      const value = JSON.parse(content);
      content = JSON.stringify(value, null, 2);
      if (answer.ok) keep(value);
    } catch { /* not JSON: shown as it came */ }
    const shown = [...answer.headers].map(([name, value]) => name + ': ' + value).join('\n');
    return answer.status + ' ' + answer.statusText + '\n' + shown + '\n\n' + content;
  } catch (error) {
    return say('unsent') + error.message;
  }
}

// keep takes the token out of the answer of an operation that signs in.
function keep(value) {
  if (!value || typeof value.access_token !== 'string') return;
  byID('token').value = value.access_token;
  byID('session').textContent = say('signedIn');
}

async function signIn(event) {
  event.preventDefault();
  const session = byID('session');
  session.textContent = '…';
  try {
    const answer = await fetch(base + '/v1/auth/sign-in', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Accept-Language': language },
      body: JSON.stringify({ email: byID('email').value, password: byID('password').value }) });
    const value = await answer.json();
    if (!answer.ok) throw new Error(value.detail);
    keep(value);
    byID('password').value = '';
  } catch (error) {
    session.textContent = error.message;
  }
}

function operation(method, path, op) {
  const inside = el('div', {});
  const whole = el('details', { id: op.operationId, class: 'operation', 'data-text': [method, path, op.operationId, op.summary].join(' ').toLowerCase() },
    el('summary', {}, el('span', { class: 'method ' + method }, method.toUpperCase()), el('span', { class: 'path' }, path), el('span', {}, op.summary || '')), inside);
  // Filled when first opened: a page of fifty operations is otherwise slow to show.
  whole.addEventListener('toggle', () => { if (whole.open && !inside.hasChildNodes()) fill(inside, method, path, op); });
  return whole;
}

function fill(inside, method, path, op) {
  if (op.description) inside.append(el('p', {}, op.description));
  inside.append(el('p', { class: 'note' }, op.security ? say('needsToken') : say('needsNothing')));
  if ((op.parameters || []).length) {
    inside.append(el('h3', {}, say('parameters')), table([say('name'), say('in'), say('type'), ''], op.parameters.map((p) => el('tr', {}, el('td', {}, el('code', {}, p.name)),
      el('td', {}, p.in), el('td', {}, typeOf(p.schema)), el('td', {}, [p.required ? say('required') : '', p.description, limits(p.schema || {})].filter(Boolean).join(' · '))))));
  }
  for (const [type, media] of Object.entries((op.requestBody && op.requestBody.content) || {})) {
    inside.append(el('h3', {}, say('body') + ': ' + type), schemaTable(media.schema));
  }
  const errors = [];
  for (const [status, response] of Object.entries(op.responses || {})) {
    const title = status + ' ' + (response.description || '');
    if (Number(status) >= 400) { errors.push(title); continue; }
    inside.append(el('h3', {}, title));
    const found = jsonOf(response.content);
    if (found) inside.append(schemaTable(found[1].schema));
  }
  if (errors.length) inside.append(el('h3', {}, say('errors')), el('p', { class: 'note' }, errors.join(' · ') + ' (' + say('problems') + ')'));
  inside.append(el('h3', {}, say('tryIt')), tryForm(method, path, op));
}

function find() {
  const wanted = byID('find').value.toLowerCase();
  for (const node of document.querySelectorAll('[data-text]')) node.classList.toggle('hidden', !node.dataset.text.includes(wanted));
}

// groups returns the document's operations by their tag, in the order in which the document names the tags.
function groups() {
  const all = new Map((doc.tags || []).map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const tag = (op.tags || ['other'])[0];
      if (!all.has(tag)) all.set(tag, []);
      all.get(tag).push([method, path, op]);
    }
  }
  return all;
}

// show writes the whole page in the chosen language.
function show() {
  document.documentElement.lang = language;
  byID('language').value = language;
  for (const node of document.querySelectorAll('[data-say]')) node.textContent = say(node.dataset.say);
  if (!doc) return;
  byID('about').textContent = [doc.info.description, say('note')].filter(Boolean).join(' ');
  const links = byID('links');
  const operations = byID('operations');
  links.replaceChildren();
  operations.replaceChildren();
  for (const [tag, list] of groups()) {
    links.append(el('h2', {}, tag), ...list.map(([method, path, op]) => el('a', { href: '#' + op.operationId, 'data-text': [method, path, op.operationId, op.summary].join(' ').toLowerCase(),
      onclick: () => { byID(op.operationId).open = true; } }, op.summary || op.operationId)));
    operations.append(el('h2', {}, tag), ...list.map((entry) => operation(...entry)));
  }
  const inside = el('div', {});
  const schemas = el('details', {}, el('summary', {}, say('schemas')), inside);
  schemas.addEventListener('toggle', () => {
    if (inside.hasChildNodes()) return;
    for (const [name, schema] of Object.entries(doc.components.schemas).sort()) inside.append(el('h3', {}, name), schemaTable(schema));
  });
  operations.append(el('h2', {}, say('schemas')), schemas);
  find();
}

async function main() {
  show();
  byID('account').addEventListener('submit', signIn);
  byID('find').addEventListener('input', find);
  byID('language').addEventListener('change', (event) => { language = event.target.value; show(); });
  try {
    const answer = await fetch(base + '/openapi.json');
    if (!answer.ok) throw new Error('status ' + answer.status);
    doc = await answer.json();
  } catch (error) {
    byID('about').textContent = say('unread') + error.message;
    return;
  }
  show();
  const chosen = location.hash && byID(decodeURIComponent(location.hash.slice(1)));
  if (chosen) { chosen.open = true; chosen.scrollIntoView(); }
}

main();
