"""A small phrase grammar: endless plain Chinese sentences, no two alike for a very long time.

No names and no story, so that nobody takes it for a model's writing.
"""

import random
from collections.abc import Iterator

WHEN = (
    "天色将晚", "雨停之后", "第二天清早", "灯花落下时", "夜深人静", "日头偏西", "风起的时候",
    "更鼓敲过三遍", "雪还没有化", "一盏茶的工夫", "月亮升上屋脊", "炊烟散尽", "潮水退去",
)  # fmt: skip
WHERE = (
    "渡口边", "旧书铺里", "石桥那头", "后院的井旁", "城门外", "半山的亭子里", "巷子尽头",
    "临河的窗下", "空荡荡的堂屋里", "竹林深处", "码头的台阶上",
)  # fmt: skip
WHO = (
    "他", "她", "老掌柜", "那少年", "守夜的人", "摆渡的老人", "姑娘", "来客", "书生", "师父",
    "送信的人", "隔壁的孩子",
)  # fmt: skip
DID = (
    "把信折好收进袖中", "望着江面出神", "轻轻推开了门", "半晌没有说话", "点起一盏油灯",
    "想起多年前的一句话", "听见远处有人唤自己的名字", "把茶盏推到一旁", "慢慢坐了下来",
    "回头看了一眼来路", "数着檐下的雨滴", "替那人添了一件衣裳", "从怀里摸出半块玉",
)  # fmt: skip
HOW = (
    "像是怕惊动什么", "脸上看不出悲喜", "手却微微发抖", "眼里有了一点光", "仿佛早就料到了",
    "只当什么也没有发生", "心里却乱成一团", "嘴角浮起一丝笑意", "脚步比来时轻了许多",
)  # fmt: skip
SAID = (
    "你总算来了", "今夜怕是走不成了", "这件事不必再提", "我等了你很久", "路还长着呢",
    "有些话迟早要说", "把灯留着吧", "谁也不知道后来的事", "你看那边的山", "雨还要下几天",
)  # fmt: skip
THEN = (
    "四下里静得只剩水声", "一片叶子落在脚边", "远处传来一声犬吠", "风把窗纸吹得轻响",
    "炉火渐渐暗了下去", "街上的脚步声近了又远", "墨香在屋里慢慢散开", "天边露出一线白",
)  # fmt: skip
SLOTS = {
    "when": WHEN, "where": WHERE, "who": WHO, "did": DID, "how": HOW, "said": SAID, "then": THEN,
}  # fmt: skip
SHAPES = (
    "{when}，{who}在{where}{did}，{how}。",
    "{where}，{who}{did}，{then}。",
    "“{said}。”{who}{did}，{how}。",
    "{who}{did}。{when}，{then}。",
    "{when}，{then}，{who}{did}。",
    "{who}{did}，{how}，低声说：“{said}。”\n",
)


class _Bag:
    """Draws every item once before any comes again."""

    def __init__(self, items: tuple[str, ...], source: random.Random) -> None:
        self._items = items
        self._source = source
        self._left: list[str] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._source.sample(self._items, len(self._items))
        return self._left.pop()


def sentences(source: random.Random) -> Iterator[str]:
    """Endless; a sentence that has been said is not said again."""
    shapes = _Bag(SHAPES, source)
    bags = {slot: _Bag(items, source) for slot, items in SLOTS.items()}
    said: set[str] = set()
    while True:
        shape = shapes.draw()
        sentence = shape.format_map(
            {s: bag.draw() for s, bag in bags.items() if f"{{{s}}}" in shape}
        )
        if sentence not in said:
            said.add(sentence)
            yield sentence
