// What comes in from the patcher: controls, buttons, the search line, datagrams, the answer of maxurl.
var awake = false;

var PRESSES = {
    find: find_words,
    like: find_like,
    mix: find_mixing,
    load: load_chosen,
    stems: load_stems,
    analyse: analyse_chosen,
    generate: function () { generate(false, ""); },
    fresh: function () { generate(true, ""); },
    again: new_seed,
    vary: function () { generate(false, "vary"); },
    fill: function () { generate(false, "fill"); },
    humanise: function () { generate(false, "humanise"); },
    extend: function () { generate(false, "continue"); },
    tap: function () { generate(false, "tap"); },
    play: play_pattern
};

function ready() {
    if (!awake) {
        awake = true;
        wake_live();
        connect();
    }
}

function param(name, number) {
    var before = params[name];
    // Whole numbers beyond a byte are floats in Live: a mouse leaves fractions.
    params[name] = Math.round(Number(number));
    if (!awake || before === params[name]) {
        return;
    }
    if (name === "daemon_port") {
        outlet(TO_DAEMON, ["port", params.daemon_port]);
        begin_hello();
    } else if (name === "moments") {
        set_moments(params.moments);
    } else if (name === "quiet") {
        ask(params.quiet ? "/cratehand/pause" : "/cratehand/resume", []);
    }
}

function press(name, number) {
    if (awake && number !== 0 && PRESSES.hasOwnProperty(name)) {
        PRESSES[name]();
    }
}

// The search line; Return searches.
function text() {
    var found = arrayfromargs(arguments);
    shown.words = found.join(" ").substring(0, 200);
    find_words();
}

function anything() {
    if (messagename.charAt(0) === "/") {
        hear(messagename, arrayfromargs(arguments));
    }
}

function notifydeleted() {
    say_goodbye();
    looker.cancel();
}
