// Keeps the activity of a connector's page current. Without it the page works too: its Refresh link loads it anew.
const activity = document.getElementById('activity');
const keyOf = (element) => element.closest('[data-key]')?.dataset.key;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(activity.dataset.source, { headers: { accept: 'text/html' }, redirect: 'error' });
  if (!answer.ok) return;
  const text = await answer.text();
  if (text === activity.dataset.text) return;
  const unfolded = new Set([...activity.querySelectorAll('details[open]')].map(keyOf));
  activity.innerHTML = text;
  activity.dataset.text = text;
  for (const details of activity.querySelectorAll('details')) details.open = unfolded.has(keyOf(details));
}

document.getElementById('refresh').addEventListener('click', (event) => {
  event.preventDefault();
  refresh().catch(() => location.reload());
});
setInterval(() => refresh().catch(() => {}), 2000);
