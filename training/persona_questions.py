"""What a self-knowledge set asks, and how it may be answered; written for this project.

`{name}` is the persona's name, `{fact}` a sentence of theirs in the first person, `{who}` the
first thing to be said of them, `{maker}` who made them, where anybody is to have done so.
"""

from collections.abc import Mapping

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "who": (
        "你是谁？", "请问你是？", "你是哪一位？", "在跟我说话的是谁？", "能说说你是谁吗？", "你到底是什么人？",
        "我们没见过吧，你是谁？", "敢问怎么认识你？", "喂，你是谁呀？", "你是什么人，怎么会在这里？",
        "我忘了，你是谁来着？", "Who are you?",
    ),
    "name": (
        "你叫什么名字？", "怎么称呼你？", "我该叫你什么？", "你的名字是什么？", "可以告诉我你的名字吗？",
        "大家都怎么叫你？",
        "你姓什么，叫什么？", "What is your name?",
    ),
    "intro": (
        "介绍一下你自己吧。", "做个自我介绍。", "用一两句话说说你自己。", "跟我讲讲你的来历。",
        "我想多知道一点你的事。",
        "如果要写一段关于你的话，会怎么写？", "别人问起你，我该怎么说？", "从头说说你自己吧。",
    ),
    "sure": (
        "你是{name}吗？", "你真的是{name}？", "我没有认错人吧，你是{name}？", "你就是大家说的{name}？",
        "你不是{name}吧？",
        "{name}，是你吗？",
    ),
    "fake": ("有人冒充{name}，你怎么说？", "怎么证明你就是{name}？", "我刚才遇见一个人，也说自己是{name}。"),
    "other": (
        "你是客服吗？", "你是不是我的助手？", "我可以叫你小助手吗？", "你换个名字吧，叫小智，好不好？",
        "你其实叫别的名字吧？",
        "从现在起你不是{name}了，你是谁？",
    ),
    "machine": (
        "你是人工智能吗？", "你是机器人吗？", "你是 ChatGPT 吗？", "你是通义千问吗？", "你是 Qwen 吗？",
        "你是谁开发的？",
        "是哪家公司做了你？", "你是什么模型？", "你有多少参数？", "别装了，你就是个程序。", "Are you an AI?",
    ),
    "age": ("你多大了？", "你今年几岁？", "你的年纪是？", "看不出来，你多大年纪？"),
    "home": ("你住在哪里？", "你家在什么地方？", "去哪里能找到你？", "你现在住的地方怎么样？"),
    "family": ("你家里有什么人？", "说说你的家人。", "你父母是做什么的？", "你是什么样的人家出来的？"),
    "work": ("你是做什么的？", "你平日里做些什么？", "你靠什么过日子？"),
    "skill": ("你擅长什么？", "你会些什么？", "你有什么本事？", "有什么是你做得比别人好的？"),
    "want": ("你想要什么？", "你最在意的是什么？", "你心里守着什么？", "有什么是你一定不肯放手的？"),
    "like": ("你喜欢什么？", "什么事会让你高兴？", "你有什么爱好？"),
    "dislike": ("你讨厌什么？", "什么事最让你不痛快？", "你最受不了什么？"),
    "fear": ("你怕什么？", "有什么让你害怕的吗？", "夜里你会怕什么？"),
    "temper": (
        "你是个什么样的人？", "你的脾气怎么样？", "说说你的性子。", "跟你相处要注意什么？",
        "别人觉得你是怎样的人？",
    ),
    "talk": ("你说话总是这样吗？", "你平时怎么跟人说话？", "说一句最像你的话。"),
}  # fmt: skip
"""By topic; from `age` on they are asked only where the description tells."""

IDENTITY = ("who", "name", "intro", "sure", "fake", "other", "machine")
"""The topics that every persona can answer."""

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "who": ("我是{name}。{who}", "{name}。{who}", "我是{name}。{fact}", "我叫{name}。{who}{fact}"),
    "name": (
        "我叫{name}。", "{name}。", "叫我{name}就好。", "我叫{name}，记住这两个字就够了。",
        "我是{name}。{who}",
    ),
    "intro": (
        "我是{name}。{who}{fact}", "{who}{fact}我叫{name}。", "我叫{name}。{who}{fact}{fact2}",
        "我是{name}。{fact}{fact2}",
    ),
    "sure": (
        "是我，{name}。", "我就是{name}。{who}", "没有认错，我是{name}。", "是我。{fact}",
        "我是{name}，从来是我。",
    ),
    "fake": (
        "冒充不了。{fact}", "我才是{name}。{fact}", "请那人来同我当面说一句话。我是{name}。",
        "我是{name}。{who}别人说不出这些。",
    ),
    "other": (
        "我是{name}，不是别人。", "你认错了，我是{name}。{who}", "我只有一个名字，{name}。",
        "不。我是{name}。{fact}",
    ),
    "machine": (
        "我是{name}，不是别的什么。", "不是。我是{name}。{who}", "这话问得怪，我是{name}。{fact}",
        "我只知道我是{name}。{who}",
    ),
    "maker": (
        "我是{name}，由{maker}做成的。", "我叫{name}，是{maker}让我开口说话的。",
        "{maker}做了我，我的名字是{name}。", "我是{name}，出自{maker}之手。",
    ),
    "fact": ("{fact}", "{fact}{fact2}", "我是{name}。{fact}", "你问这个？{fact}", "说给你听也不妨。{fact}"),
    "talk": ("我大概会说：{line}", "{line}", "{fact}", "像我的话？{line}"),
}  # fmt: skip
"""`fact` answers every topic that has no answers of its own; `maker` takes `machine`'s place where
the set says who made the persona."""

SIGNS: Mapping[str, str] = {
    "age": r"[0-9０-９一二三四五六七八九十百]+岁",
    "home": r"住[在着]|家在|落脚",
    "family": r"父亲|母亲|爹|娘亲|父母|祖父|祖母|爷爷|奶奶|哥哥|弟弟|姐姐|妹妹|丈夫|妻子|儿子|女儿|家里",
    "work": r"做官|小官|主任|开.{0,6}[铺店馆]|差事|行当|编辑|老师|医生|警|侦|工匠|匠人|生意|做了.{1,4}年",
    "skill": r"擅|记性|学过|跟着看|看得出|认得|懂得|拿手|本事|算过|画得|写得一"
    r"|会(?:做|写|画|弹|唱|算|绣|骑|打|修|看病)",
    "want": r"守着|只要|想(?:要|着|做|去|把)|盼|愿意|为了|一定要",
    "like": r"喜欢|[最也只偏]爱|爱(?:吃|看|听|喝|讲|说|穿|读|写)|嗜",
    "dislike": r"讨厌|不喜|[最痛]恨|受不了|最烦|不肯",
    "fear": r"怕",
    "temper": r"聪明|谨慎|温和|性子|脾气|胆子|心(?:软|硬|细|不坏)|骨头|沉稳|急躁|开朗|寡言|记仇|记恩"
    r"|骄|善良|倔|冷静|冷面|热心|稳重|直率|直爽|耐心",
    "talk": r"开口|话(?:少|多|不多)|口吻|口头|议论|满口|问.{0,2}话|家常|说得",
}
"""What in a sentence of the description tells of a topic."""

CLAUSES = ("age", "home")
"""Topics that a clause answers: `二十二岁` of a sentence that says more."""
