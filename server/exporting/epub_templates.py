"""The documents of an EPUB 3, as templates that escape what they are given."""

from jinja2 import DictLoader, Environment, StrictUndefined

CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""

PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id" xml:lang="zh-CN">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="book-id">{{ identifier }}</dc:identifier>
    <dc:title>{{ book.title }}</dc:title>
    <dc:language>zh-CN</dc:language>
{%- if book.author %}
    <dc:creator id="author">{{ book.author }}</dc:creator>
    <meta refines="#author" property="role" scheme="marc:relators">aut</meta>
{%- endif %}
    <meta property="dcterms:modified">{{ modified }}</meta>
    <meta name="cover" content="cover-image"/>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
    <item id="css" href="style.css" media-type="text/css"/>
    <item id="cover-image" href="cover.svg" media-type="image/svg+xml" properties="cover-image"/>
    <item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>
{%- for page in pages %}
    <item id="{{ page.id }}" href="{{ page.href }}" media-type="application/xhtml+xml"/>
{%- endfor %}
  </manifest>
  <spine toc="ncx">
    <itemref idref="cover"/>
    <itemref idref="nav"/>
{%- for page in pages %}
    <itemref idref="{{ page.id }}"/>
{%- endfor %}
  </spine>
</package>
"""

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="zh-CN" xml:lang="zh-CN">
<head>
  <title>{{ title }}</title>
  <link rel="stylesheet" type="text/css" href="style.css"/>
</head>
"""

COVER = (
    HEAD
    + """<body class="cover">
<section epub:type="cover" class="cloth" style="background-color: {{ cloth }}">
  <p class="label">{{ book.title }}</p>
{%- if book.author %}
  <p class="author">作者：{{ book.author }}</p>
{%- endif %}
</section>
</body>
</html>
"""
)

SVG = """<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="900" height="1200" viewBox="0 0 900 1200">
  <title>{{ book.title }}</title>
  <rect width="900" height="1200" fill="{{ cloth }}"/>
  <rect x="0" width="64" height="1200" fill="#000000" fill-opacity="0.18"/>
  <rect x="{{ left }}" y="120" width="{{ 900 - left - 120 }}" height="{{ tall + 80 }}" fill="#faf6ea"/>
{%- for glyph in glyphs %}
  <text x="{{ glyph.x }}" y="{{ glyph.y }}" font-family="serif" font-size="{{ size }}"
    text-anchor="middle" fill="#1b2023">{{ glyph.text }}</text>
{%- endfor %}
{%- if book.author %}
  <text x="450" y="1120" font-family="serif" font-size="44"
    text-anchor="middle" fill="#faf6ea">{{ book.author }}</text>
{%- endif %}
</svg>
"""

NAV = (
    HEAD
    + """<body>
<nav epub:type="toc" id="toc" role="doc-toc">
  <h1>目录</h1>
  <ol>
{%- for entry in contents %}
    <li><a href="{{ entry.href }}">{{ entry.title }}</a>
{%- if entry.below %}
      <ol>
{%- for part in entry.below %}
        <li><a href="{{ part.href }}">{{ part.title }}</a></li>
{%- endfor %}
      </ol>
    {% endif -%}
    </li>
{%- endfor %}
  </ol>
</nav>
<nav epub:type="landmarks" id="landmarks" hidden="hidden">
  <h2>导览</h2>
  <ol>
    <li><a epub:type="cover" href="cover.xhtml">封面</a></li>
    <li><a epub:type="toc" href="nav.xhtml#toc">目录</a></li>
    <li><a epub:type="bodymatter" href="{{ start }}">正文</a></li>
  </ol>
</nav>
</body>
</html>
"""
)

NCX = """<?xml version="1.0" encoding="UTF-8"?>
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang="zh-CN">
  <head>
    <meta name="dtb:uid" content="{{ identifier }}"/>
  </head>
  <docTitle><text>{{ book.title }}</text></docTitle>
  <navMap>
{%- for entry in contents %}
    <navPoint id="p{{ entry.order }}" playOrder="{{ entry.order }}">
      <navLabel><text>{{ entry.title }}</text></navLabel><content src="{{ entry.href }}"/>
{%- for part in entry.below %}
      <navPoint id="p{{ part.order }}" playOrder="{{ part.order }}">
        <navLabel><text>{{ part.title }}</text></navLabel><content src="{{ part.href }}"/>
      </navPoint>
{%- endfor %}
    </navPoint>
{%- endfor %}
  </navMap>
</ncx>
"""

VOLUME = (
    HEAD
    + """<body>
<section epub:type="part" role="doc-part" class="volume">
  <h1>{{ title }}</h1>
</section>
</body>
</html>
"""
)

CHAPTER = (
    HEAD
    + """<body>
<section epub:type="{{ kind }}"{% if role %} role="{{ role }}"{% endif %}>
  <h{{ level }}>{{ title }}</h{{ level }}>
{%- for block in blocks %}
{%- if block.apart %}
  <p class="gap"><br/></p>
{%- endif %}
  <p>{{ block.text }}</p>
{%- endfor %}
{%- if notes %}
  <aside class="notes">
{%- for block in notes %}
    <p>批注：{{ block.text }}</p>
{%- endfor %}
  </aside>
{%- endif %}
</section>
</body>
</html>
"""
)

STYLE = """@charset "UTF-8";
html { -epub-writing-mode: horizontal-tb; writing-mode: horizontal-tb; }
body { margin: 0 4%; line-height: 1.8; text-align: justify; }
h1, h2 { margin: 2em 0 1.6em; text-align: center; line-height: 1.4; font-weight: bold; }
h1 { font-size: 1.5em; }
h2 { font-size: 1.3em; }
p { margin: 0; text-indent: 2em; }
p.gap { text-indent: 0; }
.volume h1 { margin-top: 30%; }
.notes { margin: 2em 0 0; padding-left: 1em; border-left: 3px solid #818984; }
.notes p { text-indent: 0; font-size: 0.9em; }
body.cover { margin: 0; }
.cloth { height: 100vh; padding: 12% 10%; box-sizing: border-box; text-align: center; }
.cloth p { text-indent: 0; }
.cloth .label { display: inline-block; padding: 1em 1.2em; background-color: #faf6ea; color: #1b2023; font-size: 2em; }
.cloth .author { margin-top: 2em; color: #faf6ea; }
nav ol { list-style: none; padding-left: 1em; }
"""

TEMPLATES = Environment(
    loader=DictLoader({
        "content.opf": PACKAGE, "cover.xhtml": COVER, "cover.svg": SVG, "nav.xhtml": NAV,
        "toc.ncx": NCX, "volume": VOLUME, "chapter": CHAPTER,
    }),
    autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True,
)  # fmt: skip
