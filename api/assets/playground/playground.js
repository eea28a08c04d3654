// The playground's own part: it keeps the token, asks over HTTP, and subscribes over WebSocket.
"use strict";

const ENDPOINT = "/graphql";
const TOKEN_KEY = "waterclock.token";

const DEFAULT_QUERY = `# Press Ctrl-Enter to run, Ctrl-Space to complete.
# The book on the left has the documentation of every type; the token above says who asks.

query Welcome {
  __typename
}
`;

// ---- Who asks -------------------------------------------------------------------------------------------------------

/** Takes the token from the address, where the fragment never reaches a server, else from this tab's memory. */
function rememberedToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token");
  if (given) {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/** What the token says about itself, to be shown; only the server can tell whether it is true. */
function describe(token) {
  if (!token) return "No token: paste one to be let in.";
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))));
    const until = new Date(claims.exp * 1000);
    const ended = until < new Date() ? "expired" : "until";
    return `${claims.sub} of ${claims.tenant}, ${claims.scope}, ${ended} ${until.toLocaleString()}`;
  } catch {
    return "This is not a token.";
  }
}

const identity = {
  token: rememberedToken(),
  use(token) {
    this.token = token.trim().replace(/^Bearer\s+/i, "");
    sessionStorage.setItem(TOKEN_KEY, this.token);
    this.show();
  },
  show() {
    document.getElementById("token").value = this.token;
    const who = document.getElementById("who");
    who.textContent = describe(this.token);
    who.classList.remove("refused");
  },
  refuse(reason) {
    const who = document.getElementById("who");
    who.textContent = reason;
    who.classList.add("refused");
  },
};

// ---- Queries and mutations ------------------------------------------------------------------------------------------

async function ask(params, headers) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json;q=0.9",
      "content-type": "application/json",
      ...(identity.token && { authorization: `Bearer ${identity.token}` }),
      ...headers,
    },
    body: JSON.stringify(params),
  });
  const result = await response.json();
  if (response.status === 401) identity.refuse(result.errors?.[0]?.message ?? "The token is refused.");
  return result;
}

// ---- Subscriptions: graphql-transport-ws, one socket for each -------------------------------------------------------

async function* subscribe(params) {
  const arrived = [];
  let wake = () => {};
  const tell = (event) => {
    arrived.push(event);
    wake();
  };
  const address = new URL(ENDPOINT, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, "graphql-transport-ws");
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: "connection_init", payload: { Authorization: `Bearer ${identity.token}` } });
  socket.onclose = (event) => tell({ closed: event });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    switch (message.type) {
      case "connection_ack":
        return send({ id: "1", type: "subscribe", payload: params });
      case "ping":
        return send({ type: "pong", payload: message.payload });
      case "next":
        return tell({ result: message.payload });
      case "error":
        return tell({ result: { errors: message.payload }, last: true });
      case "complete":
        return tell({ last: true });
    }
  };
  try {
    for (;;) {
      while (arrived.length === 0) await new Promise((resolve) => (wake = resolve));
      const { result, last, closed } = arrived.shift();
      if (result) yield result;
      if (last) return;
      if (closed) {
        const reason = `The socket was closed with ${closed.code}${closed.reason && `: ${closed.reason}`}`;
        if (closed.code === 4403) identity.refuse(closed.reason);
        yield { errors: [{ message: reason }] };
        return;
      }
    }
  } finally {
    socket.close(1000);
  }
}

// ---- GraphiQL -------------------------------------------------------------------------------------------------------

function isSubscription(params, document) {
  const operations = (document?.definitions ?? []).filter((definition) => definition.kind === "OperationDefinition");
  const meant = operations.find((operation) => operation.name?.value === params.operationName) ?? operations[0];
  return meant?.operation === "subscription";
}

function fetcher(params, { headers, documentAST } = {}) {
  return isSubscription(params, documentAST) ? subscribe(params) : ask(params, headers);
}

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
let generation = 0;

/** Renders anew, so that the schema is asked for again as whoever asks now. */
function render() {
  generation += 1;
  root.render(React.createElement(GraphiQL, {
    key: generation,
    fetcher,
    defaultQuery: DEFAULT_QUERY,
    shouldPersistHeaders: false,
  }));
}

document.getElementById("identity").addEventListener("submit", (event) => {
  event.preventDefault();
  identity.use(document.getElementById("token").value);
  render();
});
window.addEventListener("hashchange", () => {
  identity.token = rememberedToken();
  identity.show();
  render();
});

identity.show();
render();
