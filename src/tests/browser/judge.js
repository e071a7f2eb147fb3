// What both scripts ask of a page: that it asks for nothing elsewhere, does not scroll sideways and
// shuts nobody out, and a picture of it.
'use strict';

// The rules of WCAG 2.2 AA and what axe holds for good besides.
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const WIDTHS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
// Nobody looks at a picture that is longer, and the browser cannot draw any length.
const TALL = 8000;
const TRIES = 3;

// A page of ours never asks for anything from elsewhere, and its policy stops nothing of ours.
function listen(page, base, say) {
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text())) say(message.text());
  });
  page.on('pageerror', (error) => say(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith('data:')) say(`asked ${request.url()}`);
  });
}

// axe needs JavaScript itself. Its legacy mode looks at one document, and ours have no frames; of
// what is right it counts the rules and does not list each element, which took a minute a page.
async function judge(AxeBuilder, page, javascript, say) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) say(`scrolls sideways by ${wide} px`);
  if (!javascript) return;
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
  const { violations, passes } = await axe.withTags(TAGS).analyze();
  if (passes.length < 10) say(`axe checked only ${passes.length} rules`);
  for (const one of violations) {
    const places = one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')}: ${node.failureSummary.replace(/\s+/g, ' ')}`);
    say(`${one.id}: ${one.help} | ${places.join(' | ')}`);
  }
}

// The browser sometimes says that it cannot draw, and draws when asked again.
async function picture(page, path) {
  const [width, height] = await page.evaluate(() => [window.innerWidth, document.documentElement.scrollHeight]);
  const clip = height > TALL ? { x: 0, y: 0, width, height: TALL } : undefined;
  for (let tries = 1; ; tries += 1) {
    try {
      await page.screenshot({ path, fullPage: true, clip });
      return;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}

module.exports = { WIDTHS, judge, listen, picture };
