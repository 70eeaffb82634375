/*
 * Scenario text from anybody, and one override after a 0 byte: no crash, no leak, and whatever
 * is accepted has a canonical text that reads back to itself.
 */
#include <pclsim/scenario.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = pcl_xcalloc(size + 2, 1);
    struct pcl_scenario *s = NULL, *again = NULL;
    struct pcl_err e;
    const char *set;
    size_t n;

    if (size > 0)
        memcpy(text, data, size);
    n = strlen(text);
    set = text + n + 1;
    if (pcl_scenario_parse("fuzz.ini", text, &set, n + 1 < size, &s, &e) == PCL_OK) {
        PCL_ASSERT(pcl_scenario_parse("fuzz.ini", s->text, NULL, 0, &again, &e) == PCL_OK);
        PCL_ASSERT(strcmp(again->text, s->text) == 0);
        PCL_ASSERT(strcmp(again->run_text, s->run_text) == 0);
        pcl_scenario_free(again);
        pcl_scenario_free(s);
    } else {
        PCL_ASSERT(e.msg[0] != '\0');
    }
    free(text);
    return 0;
}
