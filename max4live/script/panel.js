// What is drawn: the state of the link, what was found, the pattern, and one line that says what happens.
var ROW = 16, HEAD = 16, FOOT = 17;
var INK = [0.85, 0.85, 0.85, 1], DIM = [0.55, 0.55, 0.55, 1], ACCENT = [1, 0.68, 0.2, 1], BAD = [1, 0.42, 0.35, 1],
    GOOD = [0.45, 0.8, 0.45, 1], GROUND = [0.13, 0.13, 0.13, 1], CHOSEN = [0.26, 0.29, 0.33, 1];

mgraphics.init();
mgraphics.relative_coords = 0;
mgraphics.autofill = 0;

function redraw() {
    mgraphics.redraw();
}

function size() {
    return [box.rect[2] - box.rect[0], box.rect[3] - box.rect[1]];
}

function paint() {
    var area = size();
    fill(GROUND, 0, 0, area[0], area[1]);
    mgraphics.select_font_face("Arial");
    mgraphics.set_font_size(10);
    paint_link(area[0]);
    if (kind === "audio") {
        paint_results(area);
    } else {
        paint_pattern(area);
    }
    label(shown.bad ? BAD : DIM, 6, area[1] - 5, shown.text, area[0] - 12);
    if (shown.progress >= 0) {
        fill(ACCENT, 0, area[1] - 2, area[0] * shown.progress, 2);
    }
}

function paint_link(width) {
    var state = {online: [GOOD, "online"], refused: [BAD, "other version"], hello: [BAD, "offline"]}[link.phase]
        || [DIM, "asleep"];
    fill(state[0], width - 12, 5, 6, 6);
    label(DIM, width - 17 - state[1].length * 5, 12, state[1], 80);
}

function paint_results(area) {
    var y = HEAD, at_row, item, rows_seen = row_count(area[1]);
    label(DIM, 6, 12, "title", 100);
    label(DIM, area[0] - 198, 12, "BPM", 30);
    label(DIM, area[0] - 166, 12, "key", 24);
    label(DIM, area[0] - 140, 12, "E", 12);
    for (at_row = shown.top; at_row < Math.min(shown.results.length, shown.top + rows_seen); at_row += 1) {
        item = shown.results[at_row];
        if (at_row === shown.chosen) {
            fill(CHOSEN, 2, y, area[0] - 4, ROW - 1);
        }
        label(item.on_this_device ? INK : DIM, 6, y + 11,
            title_of(item) + (item.artist ? " - " + item.artist : ""), area[0] - 210);
        label(INK, area[0] - 198, y + 11, item.tempo_bpm ? Number(item.tempo_bpm).toFixed(1) : "", 32);
        label(INK, area[0] - 166, y + 11, item.camelot || "", 24);
        label(INK, area[0] - 140, y + 11, item.energy ? String(item.energy) : "", 14);
        label(DIM, area[0] - 124, y + 11, item.reasons && item.reasons.length ? item.reasons[0] : "", 120);
        y += ROW;
    }
}

function row_count(height) {
    return Math.floor((height - HEAD - FOOT) / ROW);
}

function paint_pattern(area) {
    var found = shown.pattern, each, item, wide, high = area[1] - HEAD - FOOT - 4;
    label(DIM, 6, 12, (found ? found.style || "changed" : "no pattern yet")
        + (params.density < 0 ? "" : ", density " + params.density + " %")
        + (params.swing < 50 ? "" : ", swing " + params.swing + " %"), area[0] - 80);
    if (!found) {
        label(DIM, 6, 36, "Density -1 and swing 49: as the style has it", area[0] - 12);
        return;
    }
    wide = (area[0] - 12) / found.length_beats;
    for (each = 0; each < found.length_beats; each += 1) {
        fill(CHOSEN, 6 + each * wide, HEAD + 2, 1, high);
    }
    for (each = 0; each < found.items.length; each += 1) {
        item = found.items[each];
        fill([1, 0.68, 0.2, 0.35 + item[3] / 200], 6 + item[1] * wide,
            HEAD + 2 + high - (Math.max(35, Math.min(52, item[0])) - 34) * high / 18, Math.max(2, wide / 6), high / 20);
    }
}

function fill(colour, x, y, width, height) {
    mgraphics.set_source_rgba(colour);
    mgraphics.rectangle(x, y, width, height);
    mgraphics.fill();
}

function label(colour, x, y, words, width) {
    var fits = String(words), most = Math.floor(width / 5.2);
    if (fits.length > most) {
        fits = fits.substring(0, Math.max(1, most - 2)) + "..";
    }
    mgraphics.set_source_rgba(colour);
    mgraphics.move_to(x, y);
    mgraphics.show_text(fits);
}

function onclick(x, y) {
    var area = size(), row = shown.top + Math.floor((y - HEAD) / ROW);
    if (kind !== "audio" || y < HEAD || y > area[1] - FOOT || row >= shown.results.length) {
        return;
    }
    shown.chosen = row;
    redraw();
}

function ondblclick(x, y) {
    onclick(x, y);
    if (kind === "audio" && shown.chosen >= 0) {
        load_chosen();
    }
}

function onwheel(x, y, steps_x, steps_y) {
    var most = Math.max(0, shown.results.length - row_count(size()[1]));
    shown.top = Math.max(0, Math.min(most, shown.top - (steps_y > 0 ? 1 : -1)));
    redraw();
}
