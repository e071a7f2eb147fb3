// Looks at pages in a real browser: both languages, both themes, a phone and a desk, with and
// without JavaScript. Takes pictures, and lets axe say what people with disabilities would miss.
//
// node look.js FOLDER_OF_NODE_MODULES: the plan comes as JSON on stdin, a report goes to stdout.
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const load = createRequire(path.join(process.argv[2], 'x.js'));
const { chromium } = load('playwright-core');
const { AxeBuilder } = load('@axe-core/playwright');
const { WIDTHS, judge, listen, picture } = require('./judge.js');

async function step(page, base, one) {
  if (one.go) return page.goto(base + one.go, { waitUntil: 'load' });
  if (one.click) {
    await page.click(one.click);
    return page.waitForLoadState('load');
  }
  if (one.fill) return page.fill(one.fill, one.value);
  if (one.check) return page.check(one.check);
  if (one.choose) return page.selectOption(one.choose, one.value);
  if (one.upload) return page.setInputFiles(one.upload, { name: one.name, mimeType: one.type, buffer: Buffer.from(one.content || '') });
  if (one.sees) {
    const text = await page.locator('body').innerText();
    if (!text.includes(one.sees)) throw new Error(`does not say "${one.sees}" at ${page.url()}: ${text.slice(0, 500)}`);
    return undefined;
  }
  if (one.there) return page.waitForSelector(one.there, { state: 'visible', timeout: 30000 });
  if (one.at) return page.waitForURL(base + one.at, { timeout: 30000 });
  if (one.title) {
    const title = await page.title();
    if (!title.includes(one.title)) throw new Error(`the title is "${title}", not "${one.title}"`);
    return undefined;
  }
  if (one.menu) return unfold(page);
  if (one.focus) {
    const found = await page.evaluate((wanted) => document.activeElement.matches(wanted), one.focus);
    if (!found) throw new Error(`the focus is not on ${one.focus}`);
    return undefined;
  }
  throw new Error(`an unknown step: ${JSON.stringify(one)}`);
}

// On a phone the ways of the menu are behind a button, on a desk there is none.
async function unfold(page) {
  const [button, way] = [page.locator('.menu-button'), page.locator('.menu a').first()];
  const isPhone = page.viewportSize().width === WIDTHS.phone.width;
  if (await button.isVisible() !== isPhone) throw new Error('the button of the menu is for phones');
  if (await way.isVisible() === isPhone) throw new Error('the menu is folded on phones only');
  if (isPhone) await button.click();
  if (!await way.isVisible()) throw new Error('the menu shows no way');
}

async function look(context, plan, story, name, report) {
  const page = await context.newPage();
  const said = [];
  const say = (text) => said.push(text);
  listen(page, plan.base, say);
  try {
    for (const one of story.steps) await step(page, plan.base, one);
    await judge(AxeBuilder, page, story.javascript, say);
  } catch (error) {
    say(String(error));
  }
  await picture(page, path.join(plan.pictures, `${name}.png`)).catch((error) => say(String(error)));
  await page.close();
  report.push(...said.map((text) => `${name}: ${text}`));
}

async function main() {
  const plan = JSON.parse(fs.readFileSync(0, 'utf8'));
  fs.mkdirSync(plan.pictures, { recursive: true });
  const browser = await chromium.launch({ executablePath: plan.chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  const report = [];
  let looks = 0;
  const faces = [];
  // Pairs enough that each language, theme and width meets each other.
  for (const [index, language] of plan.languages.entries()) {
    const [first, second] = index % 2 ? ['dark', 'light'] : ['light', 'dark'];
    faces.push([language, first, 'desk', true], [language, second, 'phone', true]);
  }
  faces.push(['pl', 'light', 'phone', false]);
  for (const [language, theme, width, javaScriptEnabled] of faces) {
    for (const story of plan.stories) {
      if (story.needs_javascript && !javaScriptEnabled) continue;
      const context = await browser.newContext({
        viewport: WIDTHS[width], locale: language, colorScheme: theme, javaScriptEnabled,
        extraHTTPHeaders: { 'accept-language': language }, reducedMotion: 'reduce',
      });
      const name = [story.name, language, theme, width, javaScriptEnabled ? '' : 'plain'].filter(Boolean).join('-');
      await look(context, plan, { ...story, javascript: javaScriptEnabled }, name, report);
      looks += 1;
      await context.close();
    }
  }
  await browser.close();
  process.stdout.write(JSON.stringify({ looks, report }));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
