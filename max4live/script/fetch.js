// Bulk: maxurl writes what a token stands for into one file, always the same, and it is read from there. So the texts
// of a result never become symbols. Where cratehand runs on another computer the answer is taken out of the dictionary.
var FETCH_MS = 3000, FETCHES = 3, CHUNK = 4096;

var to_fetch = [];
var fetching = null;

function result_waits(number, token, count) {
    var request = waiting[number];
    if (!request || !request.done || request.token !== "") {
        return;
    }
    request.acked = true;
    request.token = token;
    to_fetch.push({request: number, session: link.session, token: token, tries: 0, due_ms: 0});
    fetch_next();
}

function fetch_next() {
    if (fetching === null && to_fetch.length > 0) {
        fetching = to_fetch.shift();
        send_fetch();
    }
}

function bulk_file() {
    return link.folder === "" ? "" : link.folder + "/" + instance + ".json";
}

function send_fetch() {
    var wish = new Dict("cratehand-ask-" + instance);
    wish.clear();
    wish.set("url", "http://127.0.0.1:" + link.http_port + "/m4l/" + fetching.token);
    wish.set("http_method", "get");
    wish.set("response_dict", "cratehand-answer-" + instance);
    if (bulk_file() !== "") {
        wish.set("filename_out", bulk_file());
    }
    fetching.tries += 1;
    fetching.due_ms = now_ms() + FETCH_MS;
    outlet(TO_URL, ["dictionary", "cratehand-ask-" + instance]);
}

function look_at_fetch(now) {
    if (fetching === null || now < fetching.due_ms) {
        return;
    }
    if (fetching.tries < FETCHES && fetching.session === link.session) {
        send_fetch();
    } else {
        ask_anew();
    }
}

// The token is spent or stale: the request itself is asked again, under a new number.
function ask_anew() {
    var request = waiting[fetching.request], number = fetching.request;
    fetching = null;
    if (request) {
        delete waiting[number];
        if (request.anew > 2) {
            request_lost(request);
        } else {
            move_request(number, request);
        }
    }
    fetch_next();
}

function move_request(number, request) {
    var fresh = ask(request.path, request.values, request.done, request.failed);
    waiting[fresh].anew = (request.anew || 0) + 1;
    if (following[number]) {
        following[fresh] = following[number];
        delete following[number];
    }
}

function request_lost(request) {
    var text = "the answer of cratehand can not be fetched: look whether a firewall is in the way";
    if (request.failed) {
        request.failed("unavailable", text);
    } else {
        show(text, true);
    }
}

function fetched(word, name) {
    var answer, found;
    if (fetching === null || word !== "dictionary") {
        return;
    }
    answer = new Dict(String(name));
    // maxurl says 200 also where it could not write the file: the error decides.
    if (Number(answer.get("status")) !== 200 || answer.get("error")) {
        fetch_failed();
        return;
    }
    try {
        found = JSON.parse(bulk_file() === "" ? String(answer.get("body")) : read_bulk());
    } catch (damaged) {
        fetch_failed();
        return;
    }
    if (found.session !== fetching.session || found.request !== fetching.request) {
        ask_anew();
        return;
    }
    deliver(found);
}

function fetch_failed() {
    fetching.due_ms = now_ms() + 100;
}

function read_bulk() {
    var file = new File(bulk_file(), "read"), text = "";
    if (!file.isopen) {
        throw new Error("the file is not there");
    }
    while (file.position < file.eof) {
        text += file.readstring(CHUNK);
    }
    file.close();
    return text;
}

function deliver(found) {
    var request = waiting[fetching.request];
    delete waiting[fetching.request];
    delete following[fetching.request];
    fetching = null;
    if (request) {
        shown.progress = -1;
        request.done(found);
    }
    fetch_next();
}
