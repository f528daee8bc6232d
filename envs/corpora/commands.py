"""The grammar of the generated corpus: spoken commands, their intents and their slots.

In an expansion, ``(a|b|)`` is a choice, ``<symbol>`` is expanded, and ``{slot}`` is expanded and
its words are labelled with the slot. Earlier alternatives of a rule are likelier than later ones.

Many words stand in several slots and outside of any: may (a month, a name, a verb), jordan
(a person, a city, a country), chicago (a city, a band, an album), one (a time, a number, part of
a song), light, green, rose, rain. Only the words around them tell.
"""

INTENTS: dict[str, tuple[str, ...]] = {
    # The most frequent first: the weight of the intent of rank r is 1 / (r + 1).
    "play_music": (
        "<please> play {song} by {artist}",
        "<please> (play|put on|start) (some|a bit of|more|) {genre}",
        "<may> (hear|listen to) {song} (by|from) {artist}",
        "play {artist} (now|please|)",
        "play (the song|the track|the tune) {song}",
        "play {song} {artist}",
        "(i want to|let me) (hear|listen to) (something|anything|that one) by {artist}",
        "play my {playlist} (playlist|mix)",
        "play {artist} in the {room}",
        "(start|play|put on) the album {album} (by {artist}|)",
        "play {song} in the {room} at {time}",
        "(what about|how about) {song} (from the album {album}|)",
        "play (the {playlist} playlist|{genre}) for {duration}",
    ),
    "get_weather": (
        "(what is|how is|tell me) the weather (in|for) {city}",
        "will (it|there be) {condition} in {city} {date}",
        "is it going to {condition} {date} (in {city}|)",
        "(what will|how will) the weather be in {city} {date} (at {time}|)",
        "weather {city} {date}",
        "(do|will) i need an umbrella in {city} {date}",
        "how (warm|cold|hot|light) will it be (at {time} in {city}|in {city} at {time})",
        "(any|a chance of) {condition} (in|around|near) {city} {date}",
        "forecast for {city} {country}",
        "do they have {condition} in {country} in <month>",
    ),
    "set_alarm": (
        "(wake me up|wake me) (at|around) {time} (on {date}|{date}|)",
        "<please> set (an|one|one more) alarm for {time} (on {date}|)",
        "alarm {date} {time}",
        "(cancel|delete|turn off) (the|my) {time} alarm (on {date}|for {date}|)",
        "<may> sleep until {time} {date}",
        "(move|change) the alarm from {time} to {time}",
        "set an alarm (called|named) {alarm} for {time}",
        "wake me up with {song} by {artist} at {time}",
    ),
    "add_reminder": (
        "<please> remind me to {todo} {date}",
        "remind me to {todo} (at|around) {time}",
        "remind {person} to {todo} (on {date}|at {time}|{date} at {time}|)",
        "(i have to|i must) {todo} {date} do not let me forget",
        "(add|put) {todo} (on|to) my list (for {date}|)",
        "{date} i (need|want) to {todo}",
        "in {duration} remind me to {todo}",
    ),
    "send_message": (
        "<please> (tell|text|message) {person} {message}",
        "<please> (tell|text) {person} that {message}",
        "(send a message to|write to) {person} (saying|that says) {message}",
        "let {person} know {message}",
        "(ask|ask for|answer) {person} {message}",
        "message {person} and {person} {message}",
        "(call|ring|phone) {person} (now|please|again|)",
    ),
    "book_restaurant": (
        "<please> book (a table|dinner|lunch) (at|in) {restaurant} for {party} (at {time}|)",
        "(table|seats) for {party} at {time} (in {city}|at {restaurant})",
        "find (a|one|some) {cuisine} (restaurant|place) (in|near) {city}",
        "<may> get a table at {restaurant} {date} at {time}",
        "(reserve|book) {restaurant} {date} {time} for {party}",
        "(somewhere|a place) {cuisine} for {party} (in {city}|near {restaurant}|{date})",
        "i want (a light|a late|an early) {cuisine} (dinner|lunch) in {city} with {person}",
    ),
    "control_lights": (
        "<please> (turn|switch) (on|off) the (light|lights|lamp) in the {room}",
        "(make|turn) the {room} (light|lights|lamp) {colour}",
        "(dim|set) the {room} (light|lights) to {level}",
        "(light up|darken) the {room} (in|for) {duration}",
        "{colour} light in the {room} (at {time}|)",
        "turn the {room} {colour} and play {song}",
    ),
    "set_timer": (
        "<please> set (a|one|) timer for {duration}",
        "{duration} timer (please|now|)",
        "(start|give me) (a timer for|) {duration} for the {food}",
        "add {duration} to the {food} timer",
    ),
    "get_directions": (
        "(how do i get|take me|drive me) to {place} (in {city}|from {place}|)",
        "(how far|how long) is it from {city} to {city}",
        "(directions|the way) to {restaurant} (in {city}|avoiding {road}|)",
        "(is there|any) traffic on {road} (near {city}|at {time}|)",
    ),
}

RULES: dict[str, tuple[str, ...]] = {
    "please": ("", "please", "can you", "could you", "hey", "will you"),
    "may": ("can i", "may i", "could i", "will i"),
    "number": ("two", "five", "seven", "three", "ten", "six", "one", "four", "eight", "nine"),
    "month": ("may", "march", "june", "august", "april", "july", "october", "december"),
    "day": ("sunday", "friday", "monday", "saturday", "tuesday", "thursday", "wednesday"),
    "ordinal": ("first", "second", "third", "fifth", "tenth", "twentieth", "twenty second"),
    "time": (
        "<number>",
        "<number> (am|pm)",
        "<number> (thirty|fifteen|forty five|twenty)",
        "(half|quarter) past <number>",
        "noon",
        "<number> (o'clock|in the morning|in the evening)",
        "(quarter|ten) to <number>",
        "midnight",
    ),
    "date": (
        "tomorrow",
        "<day>",
        "next <day>",
        "<day> (morning|night|evening)",
        "<month> <ordinal>",
        "the <ordinal> of <month>",
        "tonight",
        "this (weekend|week|month)",
        "in <month>",
    ),
    "duration": (
        "<number> minutes",
        "(an|one) hour",
        "<number> and a half minutes",
        "(half|quarter of) an hour",
        "<number> hours (and <number> minutes|)",
        "one minute <number> seconds",
    ),
    "level": ("<number> percent", "(thirty|fifty) percent", "(half|full|low)", "<number>"),
    "party": ("<number>", "<number> people", "me and {person}", "(two|four) adults and one child"),
    "person": ("<first>", "<first>", "<first> <last>", "(my|the) (boss|mother|brother|doctor)"),
    "song": (
        "<adjective> <noun>",
        "<noun>",
        "<noun> (in|of|for|on) the <noun>",
        "one (more|last) <noun>",
        "<first>",
        "(light|call|tell|take|wake) (me|my) <noun>",
        "<day> (morning|in <town>)",
        "<noun> and <noun>",
        "(a|the) <noun> (by|at|from) the <noun>",
        "<town>",
    ),
    "album": ("<adjective> <noun>", "the <noun>", "<town>", "<noun> <number>", "<month>"),
    "artist": ("<band>", "<band>", "<first> <last>", "the <noun>s", "<town>", "<colour>"),
    "playlist": ("<genre>", "<day> <noun>", "<adjective> <noun>", "<first>", "dinner", "running"),
    "alarm": ("<noun>", "<first>", "work", "<day> (run|class)"),
    "restaurant": (
        "<first>'s",
        "the <adjective> <noun>",
        "<last> and <last>",
        "<town> (grill|kitchen|house)",
        "<cuisine> <noun>",
        "the (kitchen|garden|bar)",
        "<town>",
        "<number> <noun>s",
    ),
    "place": (
        "the (airport|station|museum|office)",
        "<last> (street|park|square|hall)",
        "<first> <last> (park|school)",
        "<town> (station|road|airport)",
        "<first>'s (house|place)",
    ),
    "road": ("(route|highway) <number>", "<last> (street|road)", "<town> road"),
    "city": ("<town>", "<town>", "<town>", "new <town>", "<town> (bay|beach|falls)"),
    "message": (
        "i (will|may) be (late|home|there) (at <time>|<date>|)",
        "dinner is (at <time>|in <duration>|at <restaurant>)",
        "(the meeting|lunch) moved to <date> at <time>",
        "<first> (will|may) (call|come|wait) <date>",
        "(if|when) <first> (is coming|has the keys)",
        "happy birthday",
        "<may> borrow (one|the <noun>)",
        "(it is|they say) <condition> in <town>",
        "play <song> at the party",
    ),
    "todo": (
        "(call|text|meet|ask) <first>",
        "(buy|get) (milk|<food>|light bulbs|a rose)",
        "pay the (bill|rent)",
        "(pick up|visit) <first> (at the station|in <town>|)",
        "book a table (at <restaurant>|for <number>)",
        "turn off the <room> light",
        "mark the (exams|date)",
        "water the <colour> (roses|plants)",
    ),
    "condition": ("rain", "snow", "light rain", "storms", "fog", "strong wind", "hail", "sun"),
    "genre": ("jazz", "rock", "soul", "country", "blues", "folk music", "light jazz", "metal"),
    "room": ("kitchen", "bedroom", "living room", "hall", "green room", "garden", "guest room"),
    "colour": ("blue", "green", "red", "white", "pink", "rose", "light blue", "warm white"),
    "cuisine": ("italian", "thai", "indian", "greek", "french", "turkish", "new american"),
    "food": ("rice", "turkey", "bread", "pasta", "two eggs", "green beans", "pizza"),
    "country": ("jordan", "turkey", "georgia", "france", "chad", "new zealand", "japan", "peru"),
}

_NAMES = {
    "first": (
        "may, jordan, grace, will, april, mark, austin, rose, june, hope, anna, frank, "
        "florence, sofia, dawn, bill, paris, ruth, joy, sydney, omar, august, lily, chelsea, "
        "art, leo, charlotte, eve, ray, georgia, nina, madison, ivy, chase, faith, pat, carlos, "
        "summer, drew, violet, tom, daisy, jack, dallas, robin, maria, brooklyn, sky, lincoln, "
        "autumn, peter, savannah, carol, gene, melody"
    ),
    "last": (
        "green, brown, young, king, park, white, stone, hill, rivers, banks, black, woods, "
        "lake, north, rose, cook, day, bell, church, winter, smith, baker, field, march, snow, "
        "jones, west, may, love, moon, miller, long, house, waters, summers"
    ),
    "town": (
        "chicago, boston, paris, austin, jordan, berlin, london, florence, houston, sydney, "
        "kansas, madison, dallas, charlotte, phoenix, denver, orlando, georgia, lincoln, "
        "savannah, dublin, vienna, rome, brooklyn, nashville, oslo, chelsea, delhi, cairo, "
        "dakota, lima, florida, memphis, montreal, alexandria, detroit, athens, carolina, "
        "verona, virginia, kyoto, naples, jackson, portland, cleveland"
    ),
    "band": (
        "queen, chicago, the doors, prince, boston, u2, pink, europe, berlin, kansas, green "
        "day, blue, train, yes, heart, the police, journey, may, the national, asia, four "
        "seasons, one direction, texas, america, seal, maroon five, kings of leon, beach house, "
        "bread, the kitchen, florence, sunday service, rush, white stripes, light of june, "
        "black keys, foreigner, snow patrol, cake, phoenix, television, five for fighting, "
        "garbage, love, nine inch nails"
    ),
    "adjective": (
        "blue, light, golden, lonely, green, wild, silver, sweet, broken, last, early, black, "
        "quiet, rainy, second, red, little, late, warm, new, white, lost, happy, cold, hidden"
    ),
    "noun": (
        "light, rain, fire, night, river, time, moon, kitchen, rose, summer, love, train, "
        "sunday, garden, door, snow, heart, road, station, home, wind, city, stone, may, june, "
        "bird, storm, mirror, water, morning, window, dream, table, clock, winter, star, ocean, "
        "dance, king, thunder"
    ),
}

NAMES = {symbol: tuple(names.split(", ")) for symbol, names in _NAMES.items()}
"""Of each five, three are for all splits, the fourth is only for dev, the fifth only for test."""
