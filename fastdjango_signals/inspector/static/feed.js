// Listens to the server, and goes on listening: EventSource tries again by itself after a failure
// of the network, but not after an answer that is no stream.

const AGAIN = 5000; // milliseconds

/**
 * @param {{hello: Function, send: Function, lost: Function, state: Function}} on
 *   `state` is called with "live", "lost" or "closed" and, for the latter, with a sentence.
 */
export function listen(on) {
  const source = new EventSource("events");
  source.addEventListener("hello", (event) => {
    on.hello(JSON.parse(event.data));
    on.state("live");
  });
  source.addEventListener("send", (event) => on.send(JSON.parse(event.data)));
  source.addEventListener("lost", (event) => on.lost(Number(event.data)));
  source.addEventListener("error", async () => {
    if (source.readyState !== EventSource.CLOSED) {
      on.state("lost");
      return;
    }
    on.state("closed", await reason());
    setTimeout(() => listen(on), AGAIN);
  });
}

async function reason() {
  try {
    const answer = await fetch("sends.json");
    if (answer.status === 403) return "This page may not be seen any more";
    if (answer.ok) return "As many pages watch as may";
    return `The server answers with ${answer.status}`;
  } catch {
    return "The server does not answer";
  }
}
