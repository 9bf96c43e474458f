// Requests: each has a number, is sent again until it is answered, and outlives a restart of cratehand.
var RETRY_MS = [150, 300, 600], RESULT_AGAIN_MS = 2000, RESULT_AGAIN_MOST_MS = 15000, OLDEST_OFFLINE_MS = 60000;

var waiting = {};
var last_request = 0;
var following = {};

function next_request() {
    last_request = last_request % 1000000 + 1;
    return last_request;
}

// `done` gets what was fetched, where the request has a result; without it the request ends with its ack.
function ask(path, values, done, failed) {
    var number = next_request();
    waiting[number] = {path: path, values: values, done: done, failed: failed, tries: 0, acked: false, token: "",
        asked_ms: now_ms(), due_ms: 0, again_ms: RESULT_AGAIN_MS};
    if (link.phase === "online") {
        send_request(number);
    } else if (link.phase === "refused") {
        request_failed(number, "unsupported", link.refusal);
    } else {
        show("cratehand does not run: start it, this waits a minute", true);
    }
    return number;
}

function send_request(number) {
    var request = waiting[number];
    request.due_ms = now_ms() + (request.tries < RETRY_MS.length ? RETRY_MS[request.tries] : 1000);
    request.tries += 1;
    request.session = link.session;
    outlet(TO_DAEMON, [request.path, link.session, number].concat(request.values));
}

function send_all_again() {
    var number;
    for (number in waiting) {
        if (waiting.hasOwnProperty(number) && waiting[number].session !== link.session) {
            waiting[number].tries = 0;
            waiting[number].acked = false;
            waiting[number].token = "";
            send_request(Number(number));
        }
    }
}

function look_at_requests(now) {
    var number, request;
    for (number in waiting) {
        if (!waiting.hasOwnProperty(number)) {
            continue;
        }
        request = waiting[number];
        if (link.phase !== "online") {
            if (now - request.asked_ms > OLDEST_OFFLINE_MS) {
                request_failed(Number(number), "unavailable", "cratehand does not run: start it and try again");
            }
        } else if (now >= request.due_ms && request.token === "") {
            if (request.acked) {
                // The notice of the result may be lost: asked again, cratehand says again what it said.
                request.again_ms = Math.min(request.again_ms * 2, RESULT_AGAIN_MOST_MS);
                request.due_ms = now + request.again_ms;
                outlet(TO_DAEMON, [request.path, link.session, Number(number)].concat(request.values));
            } else if (request.tries > RETRY_MS.length) {
                begin_hello();
                return;
            } else {
                send_request(Number(number));
            }
        }
    }
}

function request_acknowledged(number) {
    var request = waiting[number];
    if (!request || request.acked) {
        return;
    }
    request.acked = true;
    if (request.done) {
        request.due_ms = now_ms() + request.again_ms;
    } else {
        delete waiting[number];
        if (request.stored) {
            request.stored();
        }
    }
}

function request_failed(number, code, text) {
    var request = waiting[number];
    if (!request) {
        return;
    }
    if (code === "rate_limited") {
        request.tries = 0;
        request.due_ms = now_ms() + 1000;
        return;
    }
    delete waiting[number];
    delete following[number];
    if (request.failed) {
        request.failed(code, text);
    } else {
        shown.progress = -1;
        show(text, true);
    }
}

// A job that this request began; its progress is shown until it ends.
function follow(number, name) {
    following[number] = name;
}

function job_moved(number, state, progress) {
    var name = following[number];
    if (!name) {
        return;
    }
    if (state === "queued" || state === "running") {
        shown.progress = progress;
        show(name + ": " + (state === "queued" ? "waits" : Math.round(progress * 100) + " %"));
        return;
    }
    delete following[number];
    shown.progress = -1;
    show(name + ": " + state, state !== "done");
}
