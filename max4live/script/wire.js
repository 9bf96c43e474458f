// The link to cratehand: hello, welcome, pings; offline and back; what comes in is looked at here first.
var TICK_MS = 50, TICKS_PER_SECOND = 20, PING_MS = 5000, MISSED_MOST = 3, HELLO_MS = 1000, HELLOS_PER_PORT = 4, FIRST_PORT = 9700, PORTS = 200;

var link = {phase: "asleep", session: 0, http_port: 0, folder: "", port: 0, hellos: 0, pings: 0, missed: 0,
    sequence: 0, refusal: "", loops: 0, strays: 0, due_ms: 0};
var clock = new Task(tick, this), ticks = 0;

function connect() {
    link.port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    outlet(TO_DAEMON, ["port", params.daemon_port]);
    outlet(TO_PORT, ["port", link.port]);
    begin_hello();
    clock.interval = TICK_MS;
    clock.repeat();
}

function begin_hello() {
    link.phase = "hello";
    link.session = 0;
    link.hellos = 0;
    link.due_ms = 0;
    redraw();
}

function tick() {
    var now = now_ms();
    if (now >= link.due_ms) {
        if (link.phase === "hello" || link.phase === "refused") {
            say_hello(now);
        } else if (link.phase === "online") {
            say_ping(now);
        }
    }
    look_at_requests(now);
    look_at_fetch(now);
    ticks += 1;
    if (params.moments && ticks % TICKS_PER_SECOND === 0) {
        watch_track();
    }
}

function say_hello(now) {
    // Nobody tells a script that its port is taken: after some hellos without an answer it takes the next.
    if (link.hellos > 0 && link.hellos % HELLOS_PER_PORT === 0) {
        link.port = FIRST_PORT + (link.port - FIRST_PORT + 1) % PORTS;
        outlet(TO_PORT, ["port", link.port]);
    }
    link.hellos += 1;
    link.due_ms = now + (link.phase === "refused" ? 10 * HELLO_MS : HELLO_MS);
    outlet(TO_DAEMON, ["/cratehand/hello", PROTOCOL, VERSION, instance, link.port, max_version(), live_version(),
        "echo " + kind]);
}

function say_ping(now) {
    if (link.missed >= MISSED_MOST) {
        begin_hello();
        return;
    }
    link.missed += 1;
    link.pings = link.pings % 1000000 + 1;
    link.due_ms = now + PING_MS;
    outlet(TO_DAEMON, ["/cratehand/ping", link.pings, link.session]);
}

function say_goodbye() {
    if (link.phase === "online") {
        outlet(TO_DAEMON, ["/cratehand/bye", link.session, next_request()]);
    }
    link.phase = "asleep";
    clock.cancel();
}

function hear_welcome(values) {
    // A welcome that is not ours says that another device listens on this port too.
    if (link.phase !== "hello" && link.phase !== "refused" || (values.length > 4 && values[4] !== instance)) {
        link.strays += 1;
        return;
    }
    if (values[0] !== PROTOCOL) {
        refuse("cratehand speaks version " + values[0] + ", the device version " + PROTOCOL + ": update "
            + (values[0] > PROTOCOL ? "the device" : "cratehand"));
        return;
    }
    link.phase = "online";
    link.session = values[1];
    link.http_port = values[2];
    link.folder = values.length > 5 ? String(values[5]) : "";
    link.sequence = 0;
    link.missed = 0;
    link.refusal = "";
    link.due_ms = now_ms() + PING_MS;
    to_fetch = [];
    fetching = null;
    ask("/cratehand/subscribe", ["job quiet"]);
    if (shown.text === "") {
        show("ready");
    }
    send_all_again();
    redraw();
}

function refuse(text) {
    link.phase = "refused";
    link.refusal = text;
    link.due_ms = now_ms() + 10 * HELLO_MS;
    show(text, true);
}

function hear(path, values) {
    if (path === "/cratehand/welcome") {
        hear_welcome(values);
    } else if (path === "/cratehand/pong") {
        link.missed = 0;
    } else if (path === "/cratehand/ack" || path === "/cratehand/err" || path === "/cratehand/result") {
        hear_answer(path, values);
    } else if (path.indexOf("/cratehand/event/") === 0) {
        hear_event(path.substring(17), values);
    } else if (path.indexOf("/cratehand/") === 0) {
        // One of our own messages came back: somebody forwards everything. It is dropped, or it would go round.
        link.loops += 1;
    } else {
        link.strays += 1;
    }
}

function hear_answer(path, values) {
    if (path === "/cratehand/err" && values[0] === 0 && values[1] === 0) {
        if (link.phase === "hello" || link.phase === "refused") {
            refuse(String(values[3]));
        }
        return;
    }
    if (link.phase !== "online" || values[0] !== link.session) {
        link.strays += 1;
        return;
    }
    link.missed = 0;
    if (path === "/cratehand/err" && values[2] === "unknown_session") {
        begin_hello();
    } else if (path === "/cratehand/ack") {
        request_acknowledged(values[1]);
    } else if (path === "/cratehand/err") {
        request_failed(values[1], String(values[2]), String(values[3]));
    } else {
        result_waits(values[1], String(values[2]), values[3]);
    }
}

function hear_event(name, values) {
    if (link.phase !== "online") {
        return;
    }
    if (values[0] <= link.sequence) {
        return;
    }
    var gap = values[0] !== link.sequence + 1;
    link.sequence = values[0];
    if (gap) {
        ask("/cratehand/resync", [], resynced);
    }
    if (name === "job") {
        job_moved(values[1], String(values[2]), values[3]);
    } else if (name === "quiet") {
        show(values[1] ? "background work is paused" : "background work goes on");
    }
}

function resynced(state) {
    var at;
    link.sequence = Math.max(link.sequence, state.sequence);
    for (at = 0; at < state.followed.length; at += 1) {
        job_moved(state.followed[at].request, state.followed[at].state, state.followed[at].progress);
    }
}
