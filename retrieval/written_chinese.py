"""How much a text looks like written Chinese, by the frequency of its characters."""

import re

# The characters of Chinese prose, most frequent first (character counts over jieba's word
# frequencies, MIT), then the traditional forms of those that have one.
_SIMPLIFIED = (
    "一是人了不在有大中国和为这上他个地年来我会以到时要出的生学说道民家子也成行下们于后就发自之对得主长可过天作分方用多你着部"
    "能市等业全里工公经本都而高政法面门动日进区事代那去心小同北定开产前其军还然起种所如现理机体表力好外与文当两实重新三么只山"
    "水关明从化平建又制南内西没此将员名手最东头者月间无安看见各城十相但已些正口通想度加第她合院物性战由位常点海意场武使次二向"
    "治因立数样身情入原问把路被并利石老教万知级量任江及应省资委务元美特期世湖回系比气汉总展电科金先声提品设或义王社很统处四首"
    "共马形己儿司太目基领队直计别女权话少流命至报米给打变果书清活几州华解议更称程今决张导术府才保交放管结师便走达族反再题色五"
    "京河接条规式县白它改风光运信受什组听布百济党指论强做取技黄神选记斯真却职号界件花类何眼兵传带空干农边据集联古广完质阳难增"
    "历史专官每住商即步认车台林必死游举线言皇土团收考求德叫近备研争非具李众连调感转笑革该持始英克士尔让拉思根格造较际亲单朝红"
    "型价校约器字段周亚深候则功属积快图火千准究往极育装许参半令吃观鱼精办像帝八复影告远群包整构料随划算象容示投势热值夫网望源"
    "息语股铁断派速怎需片爱律纪支早况病境证编越局推满且列觉服双未居除乐企引标确织初青志率项飞球节察龙响药站施均消客失轻存低甚"
    "般击曾防请离落显罗营足素视护副食创余照兴占巴虽洲村费易试星木黑左宝置跟央识维采六底宫房音环案批切斗富乡另倒若按查故突责严"
    "吧呢吗啊哪您咱嘴脸哭泪睛窗"
)
_TRADITIONAL = (
    "國爲這個來會時學說們於後發對長過業裏經門動進區開產軍還種現機體與當兩實麼關從內沒將員東頭間無見戰點場數樣問並萬級應資務氣"
    "漢總電聲設義統處馬兒領隊計別權話報給變書幾華議稱決張導術結師達題條規縣風運組聽濟黨論強黃選記卻職號類傳帶幹農邊據聯廣質陽"
    "難歷專認車臺遊舉線團備爭衆連調轉該爾讓較際親單紅價約亞則屬積圖準極裝許參喫觀魚辦復遠羣構隨勢熱網語鐵斷愛紀況證編滿覺雙樂"
    "標確織項飛節龍響藥輕擊請離顯羅營視護創餘興佔雖費試寶識維採宮環鬥鄉責嚴嗎臉淚裡為眾麽"
)
_PUNCTUATION = "，。、；：？！…—“”‘’「」『』（）《》·\u3000"

CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")
"""Control characters that no text holds: not blanks, line ends or DOS's end of file."""


class _Weights(dict[str, float]):
    """How much one character speaks for a reading (above 0) or against it."""

    def __init__(self) -> None:
        super().__init__()
        last = len(_SIMPLIFIED) - 1
        self.update({c: 6 - 4 * i / last for i, c in enumerate(_SIMPLIFIED)})
        self.update(dict.fromkeys(_TRADITIONAL, 3.5))
        self.update(dict.fromkeys(_PUNCTUATION, 3.0))

    def __missing__(self, character: str) -> float:
        weight = self[character] = _weigh(character)
        return weight


def _weigh(character: str) -> float:
    point = ord(character)
    if point < 0x80:
        return -8.0 if CONTROL.match(character) else 0.0
    if 0x4E00 <= point <= 0x9FFF:
        return _weigh_ideograph(character)
    if 0xFF01 <= point <= 0xFF5E:
        return 0.5
    if 0x3040 <= point <= 0x30FF or 0x3100 <= point <= 0x312F:
        return -2.0
    return -8.0 if point == 0xFFFD or 0xE000 <= point <= 0xF8FF else -5.0


def _weigh_ideograph(character: str) -> float:
    """Level 1 of GB2312 (to D7) or Big5 (to C6) holds the common characters, level 2 the rare."""
    weight = -4.0
    for codec, level_one in (("gb2312", 0xD7), ("big5", 0xC6)):
        try:
            lead = character.encode(codec)[0]
        except UnicodeEncodeError:
            continue
        weight = max(weight, -0.5 if lead <= level_one else -1.5)
    return weight


_WEIGHTS = _Weights()


def score(text: str) -> float:
    """Mean weight of the characters that say anything; 0 for plain ASCII."""
    telling = [c for c in text if c >= "\x80" or CONTROL.match(c)]
    return sum(map(_WEIGHTS.__getitem__, telling)) / max(1, len(telling))
