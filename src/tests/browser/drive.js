// Drives people through pages in a real browser, one command a line; each person has a browser of
// its own. Takes pictures of what they see, and lets axe judge it.
//
// node drive.js FOLDER_OF_NODE_MODULES: the first line is the plan, then commands; each is answered
// by one line of JSON.
'use strict';

const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { createRequire } = require('module');

const load = createRequire(path.join(process.argv[2], 'x.js'));
const { chromium } = load('playwright-core');
const { AxeBuilder } = load('@axe-core/playwright');
const { WIDTHS, judge, listen, picture } = require('./judge.js');

// Each language meets each width and each theme.
const FACES = [['pl', 'light', 'desk'], ['pl', 'dark', 'phone'], ['en', 'dark', 'desk'], ['en', 'light', 'phone']];
// What a person waits for a page at most.
const PATIENCE = 15000;

const people = new Map();
const titles = new Map();
let browser;
let plan;

async function begin(one) {
  const context = await browser.newContext({
    viewport: WIDTHS[one.width || 'desk'], locale: one.language, javaScriptEnabled: plan.javascript,
    extraHTTPHeaders: { 'accept-language': one.language }, reducedMotion: 'reduce', acceptDownloads: true,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const person = { context, page, said: [], faces: new Map() };
  listen(page, plan.base, (text) => person.said.push(`${one.who}: ${text}`));
  page.on('dialog', (dialog) => dialog.accept());
  people.set(one.who, person);
}

async function judged(page, name) {
  const said = [];
  const say = (text) => said.push(`${name}: ${text}`);
  await judge(AxeBuilder, page, plan.javascript, say);
  const text = await page.locator('body').innerText();
  // A key without a text is shown as the key: whoever reads it reads a code.
  const code = text.match(/\b(accounts|agreements|apply|desk|audit|frame|lists|forms|mails)-[a-z][a-z0-9-]+\b/);
  if (code) say(`shows the code ${code[0]}`);
  await picture(page, path.join(plan.pictures, `${name}.png`));
  return said;
}

// The page at an address in every face. Language and colours come from the browser: the choices
// that the account brought along are left behind.
async function look(person, one) {
  const said = [];
  const at = one.at || person.page.url().slice(plan.base.length);
  const all = await person.context.cookies();
  const cookies = all.filter((cookie) => !/(language|theme|notice)$/.test(cookie.name));
  await Promise.all(FACES.map(async ([language, theme, width]) => {
    const name = [one.name, language, theme, width].join('-');
    const context = await browser.newContext({
      viewport: WIDTHS[width], locale: language, colorScheme: theme,
      extraHTTPHeaders: { 'accept-language': language }, reducedMotion: 'reduce',
    });
    await context.addCookies(cookies);
    const page = await context.newPage();
    listen(page, plan.base, (text) => said.push(`${name}: ${text}`));
    const answer = await page.goto(plan.base + at, { waitUntil: 'load' });
    if (answer.status() !== 200) said.push(`${name}: status ${answer.status()}`);
    if (page.url() !== plan.base + at) said.push(`${name}: leads to ${page.url()}`);
    const title = `${language}: ${await page.title()}`;
    const bare = at.split('?')[0];
    if (titles.has(title) && titles.get(title) !== bare) said.push(`${name}: "${title}" is the title of ${titles.get(title)} too`);
    titles.set(title, bare);
    said.push(...await judged(page, name));
    await context.close();
  }));
  return said;
}

// What is on the screen now and cannot be asked for again, in both widths.
async function here(person, one) {
  const said = [];
  for (const [width, theme] of [['phone', 'dark'], ['desk', 'light']]) {
    await person.page.setViewportSize(WIDTHS[width]);
    await person.page.emulateMedia({ colorScheme: theme });
    said.push(...await judged(person.page, [one.name, theme, width].join('-')));
  }
  return said;
}

async function reads(page, one) {
  const text = (await page.locator('body').innerText()).replace(/\u00a0/g, ' ');
  for (const wanted of one.sees || []) {
    if (!text.includes(wanted)) throw new Error(`does not say "${wanted}" at ${page.url()}: ${text}`);
  }
  for (const unwanted of one.lacks || []) {
    if (text.includes(unwanted)) throw new Error(`says "${unwanted}" at ${page.url()}: ${text}`);
  }
}

async function act(one) {
  if (one.do === 'begin') return begin(one);
  const person = people.get(one.who);
  const { page } = person;
  switch (one.do) {
    case 'go': return void await page.goto(one.at.startsWith('http') ? one.at : plan.base + one.at, { waitUntil: 'load' });
    case 'press': {
      await page.getByRole('button', { name: one.text, exact: true }).first().click();
      return page.waitForLoadState('load');
    }
    case 'follow': {
      await page.getByRole('link', { name: one.text }).first().click();
      return page.waitForLoadState('load');
    }
    case 'fill': return page.fill(one.field, one.value);
    case 'check': return page.check(one.field);
    case 'choose': return void await page.selectOption(one.field, one.value);
    case 'upload': return page.setInputFiles(one.field, { name: one.name, mimeType: one.name.endsWith('.csv') ? 'text/csv' : 'application/pdf', buffer: Buffer.from(one.content) });
    case 'carry': {
      // What was handed out is signed and comes back.
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: one.text }).first().click()]);
      const buffer = fs.readFileSync(await download.path());
      if (!buffer.subarray(0, 4).equals(Buffer.from('%PDF'))) throw new Error('the document is no PDF');
      return page.setInputFiles(one.field, { name: 'signed.pdf', mimeType: 'application/pdf', buffer });
    }
    case 'read': return reads(page, one);
    case 'text': return (await page.locator(one.field).first().textContent()).trim();
    case 'at': return page.url();
    case 'look': return void person.said.push(...await look(person, one));
    case 'here': return void person.said.push(...await here(person, one));
    case 'said': return person.said;
    default: throw new Error(`an unknown command: ${JSON.stringify(one)}`);
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const one = JSON.parse(line);
    let answer;
    try {
      if (!browser) {
        plan = one;
        fs.mkdirSync(plan.pictures, { recursive: true });
        browser = await chromium.launch({ executablePath: plan.chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
        answer = { done: true };
      } else {
        answer = { done: (await act(one)) ?? true };
      }
    } catch (error) {
      const person = people.get(one.who);
      if (person) await picture(person.page, path.join(plan.pictures, 'failed.png')).catch(() => {});
      answer = { failed: `${error}` };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  if (browser) await browser.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
