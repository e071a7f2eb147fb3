// What pages do more with JavaScript. Everything works without it.
'use strict';

// A list of errors takes the focus, so that it is the first thing heard and seen.
const errors = document.querySelector('.error-summary');
if (errors) errors.focus();

// Links from the list of errors lead into the field, not only to it.
document.addEventListener('click', (event) => {
  const link = event.target.closest('.error-summary a');
  if (!link) return;
  const field = document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  field.closest('.field').scrollIntoView({ block: 'start' });
  field.focus({ preventScroll: true });
});

// <button data-confirm="Really?"> asks once more.
document.addEventListener('submit', (event) => {
  const button = event.submitter;
  const question = (button && button.dataset.confirm) || event.target.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  // A second click sends nothing twice. Later, so that the button's own value still goes along.
  if (event.target.method === 'post' && button) {
    setTimeout(() => { button.disabled = true; }, 0);
    setTimeout(() => { button.disabled = false; }, 8000);
  }
});

// <button data-copy="#id" hidden> copies the text of an element; it is hidden without JavaScript.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(source.textContent.trim());
    const before = button.textContent;
    button.textContent = button.dataset.copied || before;
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

// <button type="button" data-show="id" hidden> shows what is typed into a password field.
for (const button of document.querySelectorAll('[data-show]')) {
  const field = document.getElementById(button.dataset.show);
  button.hidden = !field;
  button.addEventListener('click', () => {
    const isShown = field.type === 'text';
    field.type = isShown ? 'password' : 'text';
    button.setAttribute('aria-pressed', String(!isShown));
  });
}

// <section id="x" data-refresh="10"> is fetched anew every so many seconds while it is looked at.
// It is over when the fresh one does not want it any more.
async function refresh(region) {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' });
  if (!answer.ok || answer.redirected) return true;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById(region.id);
  const goesOn = fresh && 'refresh' in fresh.dataset;
  const isBusy = region.contains(document.activeElement) && document.activeElement !== region;
  if (fresh && !isBusy && fresh.innerHTML !== region.innerHTML) {
    region.replaceChildren(...fresh.childNodes);
  }
  return isBusy || !fresh || goesOn;
}

for (const region of document.querySelectorAll('[id][data-refresh]')) {
  const seconds = Math.max(2, Number(region.dataset.refresh) || 10);
  const timer = setInterval(async () => {
    if (document.visibilityState !== 'visible') return;
    if (!await refresh(region).catch(() => true)) clearInterval(timer);
  }, seconds * 1000);
}

// Filters of lists apply at once where a choice is made; typing still ends with the button.
for (const select of document.querySelectorAll('.filters select')) {
  select.addEventListener('change', () => select.form.requestSubmit());
}
